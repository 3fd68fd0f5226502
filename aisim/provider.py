"""The provider's state: configuration, faults, prepared answers, and what it has been asked."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from aisim.config import ProviderConfig
from aisim.faults import Endpoint, Faults
from aisim.tokens import Cache
from aisim.wire import Body, Wire

KEPT = 1000
"""Requests that are remembered; older ones are forgotten."""


class Call(Wire):
    """A tool call of a prepared answer; `arguments` may be any JSON, and text is passed on as it is."""

    name: str
    arguments: object = msgspec.field(default_factory=dict)


class Prepared(Wire):
    """An answer that a test wants to be given.

    Of `text` and `tool_calls` at least one for a chat; for a transcription `text` is what was heard.
    `raw` is a whole body of its own, sent with `status`: a string as it is, anything else as JSON.
    `containing` narrows to calls in whose text these words occur; `count` None answers for ever.
    """

    endpoint: Literal["chat", "transcriptions"] = "chat"
    text: str | None = None
    tool_calls: list[Call] = msgspec.field(default_factory=list)
    finish_reason: str | None = None
    raw: object = msgspec.UNSET
    status: int = 200
    containing: str | None = None
    count: int | None = 1


@dataclass(eq=False, kw_only=True)
class Asked:
    """One call that came in. `outcome` is `answered`, `prepared`, an error's status, or a fault's name."""

    number: int
    endpoint: Endpoint
    body: Body
    outcome: str = "open"
    status: int | None = None


@dataclass(eq=False, kw_only=True)
class Provider:
    """Everything one running provider knows."""

    config: ProviderConfig
    abort: Callable[[tuple[str, int]], None] | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    prepared: list[Prepared] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    cache: Cache = field(default_factory=Cache)
    _count: int = 0

    def __post_init__(self) -> None:
        self.faults = Faults(self.config.seed)

    def note(self, endpoint: Endpoint, body: Body) -> Asked:
        """Remember a call."""
        self._count += 1
        asked = Asked(number=self._count, endpoint=endpoint, body=body)
        self.asked.append(asked)
        del self.asked[:-KEPT]
        return asked

    def take_prepared(self, endpoint: Endpoint, text: str) -> Prepared | None:
        """Use up one turn of the first prepared answer that fits this call."""
        for one in self.prepared:
            if one.endpoint == endpoint and (one.containing is None or one.containing in text):
                if one.count is not None:
                    one.count -= 1
                    if one.count <= 0:
                        self.prepared.remove(one)
                return one
        return None

    def id(self, prefix: str, *seeds: object) -> str:
        """An identifier that is the same for the same seed and the same course of events."""
        digest = hashlib.sha256(repr((self.config.seed, self._count, *seeds)).encode()).hexdigest()
        return f"{prefix}{digest[:24]}"

    async def wait(self, seconds: float) -> None:
        """Sleep, but no longer than the provider lives."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return

    def reset(self) -> None:
        """Forget faults, prepared answers and what was asked."""
        self.faults.clear()
        self.prepared.clear()
        self.asked.clear()
        self.cache = Cache()
        self._count = 0
