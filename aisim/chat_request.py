"""A chat completion that is asked for: messages, tools, and the form the answer shall have."""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from aisim.errors import invalid
from aisim.hearing import NoSound, hear
from aisim.seeing import NoPicture, Picture, see_url
from aisim.wire import Body, mapping, sequence

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]
_ROLES: dict[object, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message; `text` is all that is written in it, `heard` what its sounds say."""

    role: Role
    text: str
    pictures: tuple[Picture, ...] = ()
    heard: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    answers: str | None = None


class Tool(NamedTuple):
    """A function that may be called."""

    name: str
    description: str
    parameters: Body


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """The whole request, checked.

    `must_call` is a tool's name, `*` for any of them, or None; `format` is what `response_format` says.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    must_call: str | None = None
    one_call: bool = False
    format: Literal["text", "json_object", "json_schema"] = "text"
    schema: Body = field(default_factory=dict)
    limit: int | None = None
    stream: bool = False
    include_usage: bool = False

    @property
    def prompt(self) -> str:
        """Everything the model reads, as one text."""
        lines = [f"{message.role}: {message.text} {' '.join(message.heard)}" for message in self.messages]
        offered = [f"{tool.name} {tool.description} {tool.parameters}" for tool in self.tools]
        return "\n".join([*offered, *lines])


def read_chat(body: Body) -> ChatRequest:
    """Read the body of `POST /v1/chat/completions`. Raises `ApiError` 400."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise invalid("you must provide a model parameter")
    given = body.get("messages")
    if not isinstance(given, list) or not given:
        raise invalid("Invalid 'messages': expected an array with at least one message.", param="messages")
    tools = tuple(_tool(mapping(one), number) for number, one in enumerate(sequence(body.get("tools"))))
    kind, schema = _format(body.get("response_format"))
    return ChatRequest(
        model=model,
        messages=tuple(_message(mapping(one), number) for number, one in enumerate(given)),
        tools=() if body.get("tool_choice") == "none" else tools,
        must_call=_must_call(body.get("tool_choice"), tools),
        one_call=body.get("parallel_tool_calls") is False,
        format=kind,
        schema=schema,
        limit=_limit(body),
        stream=body.get("stream") is True,
        include_usage=mapping(body.get("stream_options")).get("include_usage") is True,
    )


def _message(given: Body, number: int) -> Message:
    at = f"messages[{number}]"
    role = _ROLES.get(given.get("role"))
    if role is None:
        listed = ", ".join(f"'{name}'" for name in _ROLES)
        raise invalid(
            f"Invalid value: {given.get('role')!r}. Supported values are: {listed}.", param=f"{at}.role"
        )
    calls = tuple(_made(mapping(one), at) for one in sequence(given.get("tool_calls")))
    answers = given.get("tool_call_id")
    if role == "tool" and not isinstance(answers, str):
        raise invalid(f"Missing parameter 'tool_call_id': {at} of role 'tool' must have one.", param=at)
    content = given.get("content")
    if content is None and not (role == "assistant" and (calls or given.get("refusal"))):
        raise invalid(
            f"Invalid value for 'content': expected a string, got null ({at}).", param=f"{at}.content"
        )
    if isinstance(content, str) or content is None:
        return Message(
            role=role, text=content or "", calls=calls, answers=answers if isinstance(answers, str) else None
        )
    if not isinstance(content, list):
        raise invalid("Invalid type for 'content': expected a string or an array.", param=f"{at}.content")
    texts: list[str] = []
    pictures: list[Picture] = []
    heard: list[str] = []
    for index, one in enumerate(content):
        _part(mapping(one), f"{at}.content[{index}]", texts=texts, pictures=pictures, heard=heard)
    return Message(
        role=role,
        text="\n".join(texts),
        pictures=tuple(pictures),
        heard=tuple(heard),
        calls=calls,
        answers=answers if isinstance(answers, str) else None,
    )


def _part(part: Body, at: str, *, texts: list[str], pictures: list[Picture], heard: list[str]) -> None:
    match part:
        case {"type": "text" | "refusal", "text": str(text)}:
            texts.append(text)
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            try:
                pictures.append(see_url(url))
            except NoPicture as error:
                raise invalid(
                    f"You uploaded an unsupported image: {error}. Please make sure your image has of one the "
                    "following formats: ['png', 'jpeg', 'gif', 'webp'].",
                    param=at,
                    code="invalid_image_format",
                ) from error
        case {"type": "input_audio", "input_audio": {"data": str(data)}}:
            try:
                heard.append(hear(base64.b64decode(data, validate=True)).words or "")
            except (NoSound, binascii.Error) as error:
                raise invalid(f"The audio could not be decoded: {error}.", param=at) from error
        case {"type": "file", "file": dict(file)}:
            texts.append(f"[{file.get('filename') or 'file'}]")
        case _:
            raise invalid(
                f"Invalid value: {part.get('type')!r}. Supported values are: 'text', 'image_url', "
                "'input_audio', 'refusal', and 'file', each with its content.",
                param=at,
            )


def _made(call: Body, at: str) -> tuple[str, str]:
    match call:
        case {"id": str(identifier), "type": "function", "function": {"name": str(name), "arguments": str()}}:
            return identifier, name
    raise invalid(
        f"Each of {at}.tool_calls needs an id, the type 'function', and a function with a name and "
        "arguments as a string.",
        param=f"{at}.tool_calls",
    )


def _tool(given: Body, number: int) -> Tool:
    function = mapping(given.get("function"))
    name = function.get("name")
    if given.get("type") != "function" or not isinstance(name, str) or not name:
        raise invalid(
            f"tools[{number}] must have the type 'function' and a function with a name.", param="tools"
        )
    if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii():
        raise invalid(
            f"Invalid 'tools[{number}].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.",
            param=f"tools[{number}].function.name",
        )
    return Tool(name, str(function.get("description") or ""), mapping(function.get("parameters")))


def _must_call(choice: object, tools: tuple[Tool, ...]) -> str | None:
    match choice:
        case None | "auto" | "none":
            return None
        case "required" if tools:
            return "*"
        case {"type": "function", "function": {"name": str(name)}} if any(t.name == name for t in tools):
            return name
    raise invalid(
        f"Invalid value for 'tool_choice': {choice!r} names none of the given tools.", param="tool_choice"
    )


def _format(given: object) -> tuple[Literal["text", "json_object", "json_schema"], Body]:
    match given:
        case None | {"type": "text"}:
            return "text", {}
        case {"type": "json_object"}:
            return "json_object", {}
        case {"type": "json_schema", "json_schema": {"name": str(), "schema": dict(schema)}}:
            return "json_schema", schema
    raise invalid(
        "Invalid 'response_format': its type must be 'text', 'json_object', or 'json_schema' with a "
        "json_schema that has a name and a schema.",
        param="response_format",
    )


def _limit(body: Body) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if value is not None:
            if not isinstance(value, int) or value < 1:
                raise invalid(f"Invalid '{name}': expected an integer of at least 1.", param=name)
            return value
    return None
