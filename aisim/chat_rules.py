"""What an OpenAI server refuses although each part of it is well formed.

Rules that only the whole request can break: tool calls without answers, JSON that nobody asked for in
words, and strict schemas that are not strict.
"""

from aisim.chat_request import ChatRequest
from aisim.errors import invalid
from aisim.wire import Body, mapping, sequence


def check(request: ChatRequest, body: Body) -> None:
    """Raise `ApiError` 400 for the first rule that the request breaks."""
    _check_answers(request)
    if request.format == "json_object" and "json" not in request.prompt.lower():
        raise invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
            "'json_object'.",
            param="messages",
        )
    wanted = mapping(mapping(body.get("response_format")).get("json_schema"))
    if request.format == "json_schema" and wanted.get("strict") is True:
        _check_strict(request.schema, f"response_format '{wanted.get('name')}'", ())
    for one in sequence(body.get("tools")):
        function = mapping(mapping(one).get("function"))
        if function.get("strict") is True:
            _check_strict(mapping(function.get("parameters")), f"function '{function.get('name')}'", ())


def _check_answers(request: ChatRequest) -> None:
    """Every tool call is answered directly behind it, and nothing else is."""
    waiting: dict[str, None] = {}
    for number, message in enumerate(request.messages):
        at = f"messages.[{number}].role"
        if message.role == "tool":
            if message.answers not in waiting:
                raise invalid(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
                    "message with 'tool_calls'.",
                    param=at,
                )
            del waiting[str(message.answers)]
        elif waiting:
            break
        else:
            waiting = {identifier: None for identifier, _ in message.calls}
    if waiting:
        raise invalid(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
            param="messages",
        )


def _check_strict(schema: Body, owner: str, context: tuple[str, ...]) -> None:
    where = f"Invalid schema for {owner}: In context={context}, "
    properties = mapping(schema.get("properties"))
    if schema.get("type") == "object" or properties:
        if schema.get("additionalProperties") is not False:
            raise invalid(
                f"{where}'additionalProperties' is required to be supplied and to be false.", param="schema"
            )
        for name in properties:
            if name not in sequence(schema.get("required")):
                raise invalid(
                    f"{where}'required' is required to be supplied and to be an array including every key "
                    f"in properties. Missing '{name}'.",
                    param="schema",
                )
    inner: dict[tuple[str, ...], object] = {("properties", name): one for name, one in properties.items()}
    inner |= {("$defs", name): one for name, one in mapping(schema.get("$defs")).items()}
    inner[("items",)] = schema.get("items")
    for number, one in enumerate(sequence(schema.get("anyOf"))):
        inner[("anyOf", str(number))] = one
    for path, one in inner.items():
        if isinstance(one, dict):
            _check_strict(one, owner, (*context, *path))
