"""The conversation as the brain reads it: rules, what was said last, what tools have brought."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from aisim.chat_request import ChatRequest, Message
from aisim.language import Language, detect

_BRACKET = re.compile(r"\W{0,3}\[([^\]]{1,60})\][ \t]*(\S.*)")
_SAID = re.compile(r"\b(?:áudios?|audios?|voz|voice|transcri\w*)\b", re.IGNORECASE)
_SEEN = re.compile(r"\b(?:imagem|foto|fotografia|image|picture|photo|imagen)\b", re.IGNORECASE)
_LONGEST_LABEL = 60
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


class Brought(NamedTuple):
    """What a tool that was called has answered."""

    tool: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """`latest` is all that the user has said since the last answer, `earlier` what was said before."""

    rules: str
    earlier: str
    latest: str
    heard: tuple[str, ...]
    seen: tuple[str, ...]
    pictures: int
    brought: tuple[Brought, ...]
    language: Language

    @property
    def everything(self) -> str:
        """All words of the latest turn: written, spoken and on pictures."""
        return "\n".join(dict.fromkeys([self.latest, *self.heard, *self.seen]))


def read(request: ChatRequest) -> Conversation:
    """Read the messages of a request."""
    spoken = [message for message in request.messages if message.role != "system"]
    start = _start_of_turn(spoken)
    turn = [message for message in spoken[start:] if message.role == "user"]
    latest = _clean("\n".join(message.text for message in turn))
    heard = [words for message in turn for words in message.heard if words]
    seen = [picture.description for message in turn for picture in message.pictures if picture.description]
    heard += _labelled(latest, _SAID)
    seen += _labelled(latest, _SEEN)
    users = "\n".join(_clean(message.text) for message in spoken if message.role == "user")
    return Conversation(
        rules="\n".join(message.text for message in request.messages if message.role == "system"),
        earlier="\n".join(_clean(message.text) for message in spoken[:start]),
        latest=latest,
        heard=tuple(dict.fromkeys(heard)),
        seen=tuple(dict.fromkeys(seen)),
        pictures=sum(len(message.pictures) for message in turn),
        brought=_brought(spoken[start:]),
        # A turn of one word has no language of its own.
        language=detect("\n".join([latest, *heard]), default=detect("\n".join([users, *seen]))),
    )


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
