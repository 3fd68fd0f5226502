"""The conversation as the brain reads it: rules, what was said last, what tools have brought."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from aisim.chat_request import ChatRequest, Message
from aisim.language import Language, detect
from aisim.quoted import quoted_lines

_BRACKET = re.compile(r"\W{0,3}\[([^\]]{1,60})\][ \t]*(\S.*)")
_SAID = re.compile(r"\b(?:áudios?|audios?|voz|voice|transcri\w*)\b", re.IGNORECASE)
_SEEN = re.compile(r"\b(?:imagem|foto|fotografia|image|picture|photo|imagen)\b", re.IGNORECASE)
_LONGEST_LABEL = 60
_PICTURES, _SOUNDS = ("image", "picture", "photo"), ("voice", "audio")
_IN_LANGUAGE = re.compile(r"\blanguage\b[^.\n]{0,40}\b(pt|en|es)\b")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


class Brought(NamedTuple):
    """What a tool that was called has answered."""

    tool: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """`latest` is all that the user has said since the last answer, `earlier` what was said before.

    `theirs` is the part of `earlier` that the user has said. `pictures` and `sounds` count those of the latest
    turn, whether or not anything is known of them.
    """

    rules: str
    earlier: str
    theirs: str
    latest: str
    heard: tuple[str, ...]
    seen: tuple[str, ...]
    pictures: int
    sounds: int
    brought: tuple[Brought, ...]
    language: Language

    @property
    def spoken(self) -> str:
        """The words of the user's own in the latest turn, without those on pictures."""
        return "\n".join(dict.fromkeys([self.latest, *self.heard]))

    @property
    def everything(self) -> str:
        """All words of the latest turn: written, spoken and on pictures."""
        return "\n".join(dict.fromkeys([self.latest, *self.heard, *self.seen]))


def read(request: ChatRequest) -> Conversation:
    """Read the messages of a request."""
    spoken = [message for message in request.messages if message.role != "system"]
    start = _start_of_turn(spoken)
    turn = [message for message in spoken[start:] if message.role == "user"]
    rules = "\n".join(message.text for message in request.messages if message.role == "system")
    before = [_clean(message.text) for message in spoken[:start]]
    theirs = [_clean(message.text) for message in spoken[:start] if message.role == "user"]
    latest, heard, seen = [], [], []
    pictures, sounds = 0, 0
    for message in turn:
        pictures += len(message.pictures)
        sounds += len(message.heard)
        heard += [words for words in message.heard if words]
        seen += [picture.description for picture in message.pictures if picture.description]
        lines = quoted_lines(message.text)
        # The last block is what is to be answered, those before it are background.
        now = [line for line in lines if line.block == lines[-1].block and not line.is_ours]
        before += [line.text for line in lines if line.is_ours or line.block != lines[-1].block]
        theirs += [line.text for line in lines if not line.is_ours and line.block != lines[-1].block]
        latest += [line.text for line in now if line.text] if lines else [_clean(message.text)]
        pictures += sum(line.kind in _PICTURES for line in now)
        sounds += sum(line.kind in _SOUNDS for line in now)
        heard += [line.text for line in now if line.kind in _SOUNDS and line.text]
        seen += [line.text for line in now if line.kind in _PICTURES and line.text]
    said = "\n".join(latest)
    heard += _labelled(said, _SAID)
    seen += _labelled(said, _SEEN)
    return Conversation(
        rules=rules,
        earlier="\n".join(before),
        theirs="\n".join(theirs),
        latest=said,
        heard=tuple(dict.fromkeys(heard)),
        seen=tuple(dict.fromkeys(seen)),
        pictures=pictures,
        sounds=sounds,
        brought=_brought(spoken[start:]),
        # A turn of one word has no language of its own.
        language=_ordered(rules)
        or detect("\n".join([said, *heard]), default=detect("\n".join([*theirs, *seen]))),
    )


def _ordered(rules: str) -> Language | None:
    """The language that the rules order, by its code."""
    found = _IN_LANGUAGE.search(rules)
    known: dict[str, Language] = {"pt": "pt", "en": "en", "es": "es"}
    return known[found.group(1)] if found else None


def _start_of_turn(spoken: list[Message]) -> int:
    """Behind the last answer in words; tool calls and their results belong to the turn."""
    for at in range(len(spoken) - 1, -1, -1):
        if spoken[at].role == "assistant" and not spoken[at].calls:
            return at + 1
    return 0


def _brought(turn: list[Message]) -> tuple[Brought, ...]:
    names = {identifier: name for message in turn for identifier, name in message.calls}
    return tuple(
        Brought(names[message.answers], message.text)
        for message in turn
        if message.role == "tool" and message.answers in names
    )


def _labelled(text: str, wanted: re.Pattern[str]) -> list[str]:
    """The words behind labels: `Transcript: …`, `[Áudio transcrito: …]`, `[voice note, 7 s] …`."""
    found = []
    for line in text.splitlines():
        bracket = _BRACKET.match(line)
        label, words = bracket.groups() if bracket else line.partition(": ")[::2]
        if not words or len(label) > _LONGEST_LABEL or not wanted.search(label):
            continue
        inner, _, rest = words.partition(": ")
        found.append((rest if rest and wanted.search(inner) else words).strip(' \t[]()"“”*'))
    return found


def _clean(text: str) -> str:
    return _TAG.sub(" ", text).strip()
