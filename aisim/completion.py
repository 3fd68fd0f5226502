"""A chat completion that is given: as one JSON object, or as the events of a stream."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aisim.choosing import ToolCall
from aisim.tokens import words
from aisim.wire import Body, encode

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens as they are counted and paid for."""

    prompt: int
    cached: int
    completion: int

    def show(self) -> Body:
        """The `usage` of an answer."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One answer; `call_ids` go with `calls`."""

    id: str
    created: int
    model: str
    text: str
    calls: tuple[ToolCall, ...]
    call_ids: tuple[str, ...]
    finish: str
    usage: Usage
    with_usage: bool = False

    def show(self) -> Body:
        """The whole answer."""
        message: Body = {"role": "assistant", "content": self.text, "refusal": None, "annotations": []}
        if self.calls:
            message["content"] = self.text or None
            message["tool_calls"] = [
                {"id": call_id, "type": "function", "function": call._asdict()}
                for call_id, call in zip(self.call_ids, self.calls, strict=True)
            ]
        choice: Body = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return self._head("chat.completion") | {"choices": [choice], "usage": self.usage.show()}

    def events(self) -> Iterator[bytes]:
        """The answer as server-sent events, a word at a time, `[DONE]` being the last."""
        yield self._event({"role": "assistant", "content": None if self.calls else "", "refusal": None})
        for word in words(self.text):
            yield self._event({"content": word})
        for index, (call_id, call) in enumerate(zip(self.call_ids, self.calls, strict=True)):
            begun = {"name": call.name, "arguments": ""}
            start = {"index": index, "id": call_id, "type": "function", "function": begun}
            yield self._event({"tool_calls": [start]})
            for piece in words(call.arguments):
                yield self._event({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield self._event({}, finish=self.finish)
        if self.with_usage:
            yield event(self._head("chat.completion.chunk") | {"choices": [], "usage": self.usage.show()})
        yield DONE

    def empty_event(self) -> bytes:
        """An event without any choice."""
        return event(self._head("chat.completion.chunk") | {"choices": []})

    def _event(self, delta: Body, *, finish: str | None = None) -> bytes:
        choice: Body = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = self._head("chat.completion.chunk") | {"choices": [choice]}
        return event(chunk | {"usage": None} if self.with_usage else chunk)

    def _head(self, kind: str) -> Body:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_aisim",
        }


def event(body: Body) -> bytes:
    """One server-sent event."""
    return b"data: " + encode(body) + b"\n\n"
