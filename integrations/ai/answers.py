"""What an OpenAI-compatible provider answers to a chat, read with suspicion."""

from domain.ai.chat import Answer, Finish, ToolCall, Usage
from integrations.errors import Malformed
from integrations.waha.fields import MalformedPayload, Node, child, clean, compact, decode, text

_MODEL_LIMIT = 128
_FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.FILTERED,
}


def answer_of(body: Node, *, model: str, is_json: bool) -> Answer:
    """Return the answer in a body; `model` was asked, and JSON if `is_json`. Raises `Malformed`.

    Tool calls of an answer that ran out of tokens or was filtered are left out: they may be half of what was
    meant.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Malformed("The AI provider's answer has no choices.", code="NO_CHOICES")
    choice: Node = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Malformed("The AI provider's answer has no message.", code="NO_MESSAGE")
    said, refusal = _said(message), text(message, "refusal")
    finish = Finish.FILTERED if refusal is not None else _finish(choice)
    calls = () if finish in {Finish.LENGTH, Finish.FILTERED} else _calls(message.get("tool_calls"))
    if calls:
        finish = Finish.TOOL_CALLS
    elif finish is Finish.TOOL_CALLS:
        raise Malformed("The AI provider's answer wants tools called and names none.", code="NO_TOOL_CALLS")
    if said is None and refusal is None and finish is Finish.STOP:
        raise Malformed("The AI provider's answer has neither text nor tool calls.", code="NO_TEXT")
    if is_json and finish is Finish.STOP:
        _check_json(said or "")
    return Answer(
        text=said or refusal or "",
        tool_calls=calls,
        usage=_usage(child(body, "usage")),
        finish=finish,
        model=(text(body, "model") or model)[:_MODEL_LIMIT],
        asked=model,
    )


def _said(message: Node) -> str | None:
    """Return the text of a message, which some providers give in parts; None when there is none."""
    content = message.get("content")
    if content is None:
        return None
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, list):
        parts = [one.get("text") for one in content if isinstance(one, dict) and one.get("type") == "text"]
        if all(isinstance(one, str) for one in parts):
            return clean("".join(one for one in parts if isinstance(one, str)))
    raise Malformed("The AI provider's answer has a text that is none.", code="NO_TEXT")


def _finish(choice: Node) -> Finish:
    reason = choice.get("finish_reason")
    if not isinstance(reason, str):
        raise Malformed("The AI provider's answer does not say why it ended.", code="NO_FINISH")
    # Words of their own, such as `eos`, are other providers' names for being done.
    return _FINISHES.get(reason, Finish.STOP)


def _calls(value: object) -> tuple[ToolCall, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Malformed("The AI provider's tool calls are no list.", code="BAD_TOOL_CALL")
    calls = tuple(_call(one, index) for index, one in enumerate(value))
    if len({one.id for one in calls}) < len(calls):
        raise Malformed("Two of the AI provider's tool calls have one id.", code="BAD_TOOL_CALL")
    return calls


def _call(value: object, index: int) -> ToolCall:
    function = child(value, "function")
    name = text(function, "name")
    if name is None:
        raise Malformed("One of the AI provider's tool calls names no function.", code="BAD_TOOL_CALL")
    # Some providers leave the id empty; it only has to tell the calls of one answer apart.
    return ToolCall(id=text(value, "id") or f"call_{index}", name=name, arguments=_arguments(function))


def _arguments(function: Node) -> Node:
    """Return the arguments: JSON in a text, or as some providers write it, the object itself."""
    value = function.get("arguments")
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    try:
        read = decode(value.encode()) if isinstance(value, str) else value
        return decode(compact(read).encode())
    except (MalformedPayload, UnicodeEncodeError):
        raise Malformed(
            "The arguments of one of the AI provider's tool calls are no JSON object.", code="BAD_ARGUMENTS"
        ) from None


def _check_json(said: str) -> None:
    try:
        decode(said.encode())
    except (MalformedPayload, UnicodeEncodeError):
        raise Malformed(
            "The AI provider was asked for a JSON object and wrote none.", code="NOT_JSON"
        ) from None


def _usage(usage: Node) -> Usage | None:
    """Return what was counted, or None when it cannot be relied upon."""
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    cached = _count(child(usage, "prompt_tokens_details").get("cached_tokens")) or 0
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=min(cached, prompt))


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if is_count and isinstance(value, int) else None
