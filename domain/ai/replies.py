"""How an answer becomes messages: parted where the model parted it, and where WhatsApp's limit parts it."""

from domain.ai.rules import SEPARATOR

_CUT = "…"


def replies_of(text: str, *, most: int, limit: int) -> tuple[str, ...]:
    """Return at most `most` messages of at most `limit` characters; what is beyond them is cut with an ellipsis."""
    pieces: list[str] = []
    for part in _parts(text):
        pieces += _wrapped(part, limit)
    if len(pieces) <= most:
        return tuple(pieces)
    last = "\n\n".join(pieces[most - 1 :])
    if len(last) > limit:
        last = last[: limit - len(_CUT)].rstrip() + _CUT
    return (*pieces[: most - 1], last)


def _parts(text: str) -> list[str]:
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip() == SEPARATOR:
            found.append([])
        else:
            found[-1].append(line)
    return [part for part in ("\n".join(lines).strip() for lines in found) if part]


def _wrapped(text: str, limit: int) -> list[str]:
    pieces = []
    while len(text) > limit:
        # Between paragraphs, else lines, else words; a run without any space is cut where it must be.
        place = next(
            (at for mark in ("\n\n", "\n", " ") if (at := text.rfind(mark, 1, limit + 1)) > 0), limit
        )
        pieces.append(text[:place].rstrip())
        text = text[place:].lstrip()
    return [one for one in (*pieces, text) if one]
