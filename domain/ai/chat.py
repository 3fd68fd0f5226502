"""A chat with a model: what is said to it, what it may call, and what it answers."""

from dataclasses import dataclass, field
from enum import Enum


class Role(Enum):
    """Who speaks in a turn."""

    SYSTEM = "SYSTEM"
    USER = "USER"
    ASSISTANT = "ASSISTANT"
    TOOL = "TOOL"


class Finish(Enum):
    """Why a model stopped speaking: it was done, ran out of tokens, wants tools called, or was not let."""

    STOP = "STOP"
    LENGTH = "LENGTH"
    TOOL_CALLS = "TOOL_CALLS"
    FILTERED = "FILTERED"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolSpec:
    """A function a model may ask for; `parameters` is the JSON schema of its one object of arguments."""

    name: str
    description: str
    parameters: dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A model's wish that a function be called. The arguments are an object, but nobody has checked them."""

    id: str
    name: str
    arguments: dict[str, object]


Image = tuple[str, bytes]
"""A picture: its MIME type and its bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One thing said. Pictures come with a user's turn, calls with the model's, a call's id with a tool's."""

    role: Role
    text: str = ""
    images: tuple[Image, ...] = field(default=(), repr=False)
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse turns that no provider understands; they are mistakes of the caller."""
        if self.images and self.role is not Role.USER:
            raise ValueError(f"Only a USER's turn has images, not one of {self.role.value}.")
        if self.tool_calls and self.role is not Role.ASSISTANT:
            raise ValueError(f"Only an ASSISTANT's turn has tool calls, not one of {self.role.value}.")
        if (self.tool_call_id is not None) != (self.role is Role.TOOL):
            raise ValueError("A TOOL's turn, and no other, has the id of the call it answers.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What an answer took, in tokens; `cached_tokens` is the part of the prompt that the provider knew."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a model said. `model` is the name it answered under, `asked` the one it was asked for by.

    Without `usage` the provider did not count.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage | None
    finish: Finish
    model: str
    asked: str = field(default="", compare=False)

    @property
    def turn(self) -> Turn:
        """The answer as a turn, to go on with the chat."""
        return Turn(role=Role.ASSISTANT, text=self.text, tool_calls=self.tool_calls)


def system(text: str) -> Turn:
    """Return instructions. What customers wrote never belongs here."""
    return Turn(role=Role.SYSTEM, text=text)


def user(text: str, *, images: tuple[Image, ...] = ()) -> Turn:
    """Return what somebody asks."""
    return Turn(role=Role.USER, text=text, images=images)


def result_of(call: ToolCall, text: str) -> Turn:
    """Return what a called function had to say."""
    return Turn(role=Role.TOOL, text=text, tool_call_id=call.id)
