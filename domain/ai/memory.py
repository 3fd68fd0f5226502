"""What a model is given to remember, within a number of tokens: the newest first, and all in their order."""

from collections.abc import Iterable, Sequence

from domain.ai.tokens import estimate

_CUT = "…"


def newest_within(lines: Sequence[str], budget: int) -> tuple[str, ...]:
    """Return the longest run of the last lines that fits, in their order; nothing is left out in between."""
    return newest_of(reversed(lines), budget)


def newest_of(backwards: Iterable[str], budget: int) -> tuple[str, ...]:
    """Do the same with lines that are made one by one, the last first, no more of them than are needed."""
    kept: list[str] = []
    left = budget
    for line in backwards:
        left -= line_tokens(line)
        if left < 0:
            break
        kept.append(line)
    return tuple(reversed(kept))


def line_tokens(line: str) -> int:
    """Return what a line takes, with its end."""
    return estimate(line + "\n")


def shortened(text: str, budget: int) -> str:
    """Return the text, or its beginning with an ellipsis, in at most that many tokens."""
    if estimate(text) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate(text[:middle] + _CUT) <= budget:
            low = middle
        else:
            high = middle - 1
    return text[:low] + _CUT if estimate(_CUT) <= budget else ""
