"""How a chat is put to an OpenAI-compatible provider (POST /chat/completions)."""

import base64
import re
from collections.abc import Sequence

from domain.ai.chat import Role, ToolSpec, Turn
from integrations.waha.fields import Node, compact

_REASONING = re.compile(r"(?:.*/)?(?:o\d|gpt-5)(?:[.-]|$)")
"""OpenAI's models that refuse `max_tokens` and any temperature but their own; they may come with a maker's name."""


def question(
    turns: Sequence[Turn],
    *,
    model: str,
    tools: Sequence[ToolSpec] = (),
    max_tokens: int | None = None,
    temperature: float | None = None,
    schema: dict[str, object] | None = None,
) -> Node:
    """Return the body of the request."""
    is_reasoning = _REASONING.match(model) is not None
    body: Node = {"model": model, "messages": [_message(turn) for turn in turns]}
    if tools:
        body["tools"] = [_tool(one) for one in tools]
    if max_tokens is not None:
        body["max_completion_tokens" if is_reasoning else "max_tokens"] = max_tokens
    if temperature is not None and not is_reasoning:
        body["temperature"] = temperature
    if schema is not None:
        form = {"name": "answer", "schema": schema, "strict": _is_strict(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _message(turn: Turn) -> Node:
    message: Node = {"role": turn.role.value.lower(), "content": turn.text}
    if turn.images:
        parts: list[Node] = [{"type": "text", "text": turn.text}] if turn.text else []
        parts.extend(_picture(mime_type, content) for mime_type, content in turn.images)
        message["content"] = parts
    if turn.tool_calls:
        message["content"] = turn.text or None
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": compact(call.arguments)},
            }
            for call in turn.tool_calls
        ]
    if turn.role is Role.TOOL:
        message["tool_call_id"] = turn.tool_call_id
    return message


def _picture(mime_type: str, content: bytes) -> Node:
    url = f"data:{mime_type};base64,{base64.b64encode(content).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _tool(spec: ToolSpec) -> Node:
    function = {"name": spec.name, "description": spec.description, "parameters": spec.parameters}
    return {"type": "function", "function": function}


def _is_strict(schema: object) -> bool:
    """Whether every object of a schema is closed and requires all it has; OpenAI enforces only such schemas."""
    if isinstance(schema, list):
        return all(_is_strict(one) for one in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        named = set(properties) if isinstance(properties, dict) else set()
        required = schema.get("required")
        if schema.get("additionalProperties") is not False or named != set(
            required if isinstance(required, list) else ()
        ):
            return False
    return all(_is_strict(one) for one in schema.values())
