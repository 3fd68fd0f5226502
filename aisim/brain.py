"""The brain: what a request is answered with, always the same for the same request."""

import re
from typing import NamedTuple

from aisim.chat_request import ChatRequest
from aisim.choosing import ToolCall, choose
from aisim.conversation import Conversation, read
from aisim.digest import Digest
from aisim.language import plain
from aisim.replies import describe, reply
from aisim.shaping import shape
from aisim.wire import spaced

_DESCRIBE = re.compile(
    r"\bdescri(?:be|ba|bir)\b|\bdescrev(?:a|er)\b|\btranscri(?:be|ba|bir)\b|\btranscrev(?:a|er)\b|\bocr\b|"
    r"what (?:is|do you see|does)\b.{0,20}(?:image|picture|photo)|o que (?:ha|mostra|aparece|voce ve)\b|"
    r"\bque (?:se ve|muestra)\b|read the text|leia o texto"
)
_SUMMARISE = re.compile(r"\bsummari[sz]e\b|\bsummary of\b|\bresum(?:a|e|ir|o de)\b|\bresumen de\b")
_KEY = re.compile(r"[\"'`]([A-Za-z][A-Za-z0-9_]*)[\"'`]")
_BEGINNING = 160
_USUAL_KEYS = ("summary", "sentiment", "topics", "next_steps")


class Thought(NamedTuple):
    """What the model came up with; either words or tool calls."""

    text: str
    calls: tuple[ToolCall, ...] = ()


def think(request: ChatRequest) -> Thought:
    """Answer a request."""
    conversation = read(request)
    answer = reply(conversation)
    digest = Digest(conversation, reply=answer)
    if request.tools and (request.format == "text" or request.must_call is not None):
        calls = choose(request, conversation, digest)
        if calls:
            return Thought("", tuple(calls))
    if request.format == "json_schema":
        return Thought(spaced(shape(request.schema, digest)))
    if request.format == "json_object":
        return Thought(spaced({key: _value(digest.find(key)) for key in _keys(conversation)}))
    if not request.tools and _asks(conversation, _DESCRIBE) and conversation.pictures:
        return Thought(describe(conversation))
    if not request.tools and _asks(conversation, _SUMMARISE):
        return Thought(digest.summary)
    return Thought(answer)


def _asks(conversation: Conversation, task: re.Pattern[str]) -> bool:
    """Whether a task is set: rules and messages name it where they begin; further on they only speak of it."""
    beginnings = (conversation.rules[:_BEGINNING], conversation.latest[:_BEGINNING])
    return any(task.search(plain(text)) for text in beginnings)


def _keys(conversation: Conversation) -> list[str]:
    """The keys that the rules, or else the message, write in quotes; without any the usual ones."""
    quoted = _KEY.findall(conversation.rules) or _KEY.findall(conversation.latest)
    known = [key for key in dict.fromkeys(quoted) if key.lower() != "json" and not key.isupper()]
    return known or list(_USUAL_KEYS)


def _value(found: object) -> object:
    return "" if found is None else found
