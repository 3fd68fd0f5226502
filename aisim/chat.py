"""`POST /v1/chat/completions`: prepared answers first, else what the brain thinks."""

import hashlib
import time
from collections.abc import AsyncIterator, Iterator

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from aisim import tokens
from aisim.brain import Thought, think
from aisim.call import Call, answer, cut
from aisim.chat_request import ChatRequest, read_chat
from aisim.chat_rules import check
from aisim.choosing import ToolCall
from aisim.completion import DONE, Completion, Usage, event
from aisim.errors import invalid, no_such_model, too_long
from aisim.faults import Fault
from aisim.provider import Prepared, Provider
from aisim.seeing import NoPicture, read_data_url
from aisim.wire import Body, encode, spaced


async def chat(call: Call) -> Response:
    """Answer a chat."""
    provider = call.provider
    try:
        body = msgspec.json.decode(call.raw, type=dict[str, object])
    except msgspec.DecodeError as error:
        raise invalid(f"We could not parse the JSON body of your request: {error}") from error
    call.asked.body = show_request(body)
    fault = await call.strike(call.raw.decode("utf-8", "replace"))
    request = read_chat(body)
    check(request, body)
    if provider.config.only_listed_models and request.model not in provider.config.models:
        raise no_such_model(request.model)
    prepared = provider.take_prepared("chat", request.prompt)
    if prepared is not None:
        call.asked.outcome = "prepared" if call.asked.outcome == "open" else call.asked.outcome
        if prepared.raw is not msgspec.UNSET:
            return raw_answer(prepared)
    completion = _complete(provider, request, prepared, refused=fault is not None and fault.fault == "refuse")
    if request.stream:
        return _Stream(call, completion, fault)
    if fault is not None and fault.fault == "empty_choices":
        return answer(completion.show() | {"choices": []})
    return call.spoil(fault, answer(completion.show()))


def raw_answer(prepared: Prepared) -> Response:
    """The body that a test has written itself."""
    body = prepared.raw.encode() if isinstance(prepared.raw, str) else encode(prepared.raw)
    return Response(body, status_code=prepared.status, media_type="application/json")


def show_request(value: Body) -> Body:
    """A request as the record shows it: of files only their type, size and digest."""
    return {key: _show(one) for key, one in value.items()}


def _show(value: object) -> object:
    if isinstance(value, list):
        return [_show(one) for one in value]
    if isinstance(value, str) and value.startswith("data:"):
        return _file(value)
    if isinstance(value, dict):
        if isinstance(sound := value.get("data"), str) and "format" in value:
            return value | {"data": _file(f"data:audio/{value['format']};base64,{sound}")}
        return {key: _show(one) for key, one in value.items()}
    return value


def _file(url: str) -> object:
    try:
        kind, data = read_data_url(url)
    except NoPicture:
        # What it was meant to be shows at its beginning.
        return url[:64]
    return {"contentType": kind, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _complete(
    provider: Provider, request: ChatRequest, prepared: Prepared | None, *, refused: bool
) -> Completion:
    pictures = sum(len(message.pictures) for message in request.messages)
    prompt = tokens.count(request.prompt) + tokens.PICTURE * pictures
    if prompt > provider.config.context_tokens:
        raise too_long(prompt, provider.config.context_tokens)
    cached = provider.cache.count(request.prompt)
    thought = _prepared_thought(prepared) if prepared is not None else think(request)
    if refused:
        thought = Thought("")
    text, missing = tokens.cut(thought.text, request.limit)
    calls, left = _cut_calls(thought.calls, request.limit)
    missing = missing or left
    spent = tokens.count(text) + sum(tokens.count(f"{one.name} {one.arguments}") for one in calls)
    # A call that was ordered by name ends the answer as a text would.
    natural = "tool_calls" if calls and request.must_call in (None, "*") else "stop"
    finish = "content_filter" if refused else "length" if missing else natural
    return Completion(
        id=provider.id("chatcmpl-"),
        created=int(time.time()),
        model=request.model,
        text=text,
        calls=calls,
        call_ids=tuple(provider.id("call_", index) for index, _ in enumerate(calls)),
        finish=prepared.finish_reason if prepared is not None and prepared.finish_reason else finish,
        usage=Usage(prompt=prompt, cached=min(cached, prompt), completion=spent),
        with_usage=request.include_usage,
    )


def _cut_calls(calls: tuple[ToolCall, ...], limit: int | None) -> tuple[tuple[ToolCall, ...], bool]:
    made = [(call.name, *tokens.cut(call.arguments, limit)) for call in calls]
    return tuple(ToolCall(name, arguments) for name, arguments, _ in made), any(cut_ for *_, cut_ in made)


def _prepared_thought(prepared: Prepared) -> Thought:
    calls = [
        ToolCall(
            one.name,
            one.arguments if isinstance(one.arguments, str) else spaced(one.arguments),
        )
        for one in prepared.tool_calls
    ]
    return Thought(prepared.text or "", tuple(calls))


class _Stream(StreamingResponse):
    """The events of an answer, as a fault leaves them."""

    def __init__(self, call: Call, completion: Completion, fault: Fault | None) -> None:
        self._provider = call.provider
        self._client = call.request.client
        self._cut = fault is not None and fault.fault == "cut"
        super().__init__(self._paced(list(_spoilt(completion, fault))), media_type="text/event-stream")

    async def stream_response(self, send: Send) -> None:
        """Send the events; nothing ends a stream that is to be cut."""
        if not self._cut:
            await super().stream_response(send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for one in self.body_iterator:
            await send({"type": "http.response.body", "body": one, "more_body": True})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events, and then cut the connection if that was ordered."""
        if not self._cut:
            await super().__call__(scope, receive, send)
            return
        abort = self._provider.abort
        if abort is None or self._client is None:
            await Response(status_code=502)(scope, receive, send)
            return
        await self.stream_response(send)
        await cut(abort, (self._client.host, self._client.port), receive)

    async def _paced(self, events: list[bytes]) -> AsyncIterator[bytes]:
        for one in events:
            yield one
            if self._provider.config.seconds_per_word:
                await self._provider.wait(self._provider.config.seconds_per_word)


def _spoilt(completion: Completion, fault: Fault | None) -> Iterator[bytes]:
    events = list(completion.events())
    match fault.fault if fault is not None else None:
        case "cut":
            yield from events[: max(1, len(events) // 2)]
        case "bad_json":
            yield events[0]
            yield events[1][: len(events[1]) // 2] + b"\n\n"
        case "wrong_shape":
            yield event({"object": "unexpected"})
            yield DONE
        case "empty_choices":
            yield completion.empty_event()
            yield DONE
        case _:
            yield from events
