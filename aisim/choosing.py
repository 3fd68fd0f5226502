"""Which of the offered tools fit the moment, and what they are called with."""

import re
from typing import NamedTuple

from aisim.chat_request import ChatRequest, Tool
from aisim.conversation import Conversation
from aisim.digest import Digest
from aisim.intents import Intent, facts_in, intents_of, name_in, takes_over
from aisim.language import plain
from aisim.shaping import shape
from aisim.wire import spaced

_ESCALATE = re.compile(r"escalat|hand_?off|hand_?over|human|transfer_?to")
_NOTE = re.compile(r"note|remember|memor|(?:save|store|record)_?\w*fact")
_RENAME = re.compile(r"rename|(?:set|save|note|update)_?\w*name")
_SILENT = re.compile(r"silent|silence|no_reply|no_answer")
_LOOK_UP = re.compile(r"^(?:get|find|search|look_?up|list|check|read|show|fetch|query)")
_SUBJECTS: dict[Intent, str] = {
    "price": r"price|product|catalog|goods|item|preco|produto",
    "order": r"order|pedido|purchase",
    "hours": r"hours|opening|horario",
    "delivery": r"deliver|entrega|shipping|freight|frete",
}
_BEFORE = re.compile(r"\b(?:lembra|lembram|recorda|remember|te acuerdas|ultima vez|last time)\b")
_PAST = re.compile(r"search_messages|history|historico|conversation")
_ANY_SUBJECT = re.compile(r"knowledge|faq|document|article|search$")


class ToolCall(NamedTuple):
    """A call the model wants made; `arguments` is JSON text."""

    name: str
    arguments: str


def choose(request: ChatRequest, conversation: Conversation, digest: Digest) -> list[ToolCall]:
    """The calls to make now; none when all that fit have been made in this turn.

    Whoever tries to change the rules gets no tool called, unless the request itself insists on one.
    """
    called = {one.tool for one in conversation.brought}
    fitting: list[Tool] = []
    if not takes_over(conversation.everything):
        fitting = [
            tool for tool in request.tools if tool.name not in called and _fits(tool, conversation.spoken)
        ]
    if any(_RENAME.search(_name(tool)) for tool in fitting) and not facts_in(conversation.spoken):
        # The name alone is no fact beside itself.
        fitting = [tool for tool in fitting if not _NOTE.search(_name(tool))]
    # A person decides what follows; nothing else is to be looked up or noted meanwhile.
    fitting = [tool for tool in fitting if _ESCALATE.search(_name(tool))][:1] or fitting
    if request.must_call is not None:
        wanted = [tool for tool in request.tools if request.must_call in ("*", tool.name)]
        fitting = [tool for tool in wanted if tool in fitting] or wanted[:1]
    if request.one_call:
        fitting = fitting[:1]
    return [_call(tool, digest) for tool in fitting]


def is_escalation(name: str) -> bool:
    """Whether a tool of this name asks a person to take over."""
    return _ESCALATE.search(_snake(name)) is not None


def is_note(name: str) -> bool:
    """Whether a tool of this name keeps something for later."""
    return _NOTE.search(_snake(name)) is not None or _RENAME.search(_snake(name)) is not None


def _fits(tool: Tool, said: str) -> bool:
    name = _name(tool)
    intents = intents_of(said)
    if _ESCALATE.search(name):
        return "human" in intents
    if _SILENT.search(name):
        return intents == ["thanks"] and "?" not in said
    if _RENAME.search(name):
        return name_in(said) is not None
    if _NOTE.search(name) and not _LOOK_UP.search(name):
        return name_in(said) is not None or bool(facts_in(said))
    if not _LOOK_UP.search(name):
        return False
    if _PAST.search(name):
        return _BEFORE.search(plain(said)) is not None
    asked = [intent for intent in intents if intent in _SUBJECTS]
    if asked and _ANY_SUBJECT.search(name):
        return True
    return any(re.search(_SUBJECTS[intent], name) for intent in asked)


def _call(tool: Tool, digest: Digest) -> ToolCall:
    made = shape({"type": "object"} | tool.parameters, digest, optional=False)
    return ToolCall(tool.name, spaced(made))


def _name(tool: Tool) -> str:
    return _snake(tool.name)


def _snake(name: str) -> str:
    return plain(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).replace("-", "_")
