"""When rows are due, kept in Redis so that nobody has to ask PostgreSQL all the time.

One sorted set per queue: a member is the tenant's and the row's id, its score the instant in milliseconds. The
rows are the truth: what Redis loses is found by the sweep, or put back all at once when the set's epoch is gone.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import cast
from uuid import UUID

from redis.asyncio import Redis

from domain.ids import TenantId, new_id
from integrations.redis_channels import connect
from persistence.due import Alarm

_ANSWER_SECONDS = 0.5
_REBUILD_MILLISECONDS = 5_000
_AT_ONCE = 1_000

_SET = """
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local first = nil
for i = 1, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
  local score = tonumber(ARGV[i])
  if first == nil or score < first then first = score end
end
if head[2] == nil or first < tonumber(head[2]) then redis.call('PUBLISH', KEYS[2], '') end
"""

_CLAIM = """
if redis.call('EXISTS', KEYS[2]) == 0 then return false end
local due = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
if #due > 0 then redis.call('ZREM', KEYS[1], unpack(due)) end
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {due, head[2] or ''}
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Rows whose time has come, by tenant, and when the next one is due; None while none is known."""

    rows: dict[TenantId, list[UUID]]
    next_at: float | None

    @property
    def count(self) -> int:
        """How many rows were claimed."""
        return sum(len(ids) for ids in self.rows.values())


class Timers:
    """The timers of an installation. Every method raises redis errors while Redis is away."""

    def __init__(self, redis_url: str) -> None:
        self._redis: Redis = connect(redis_url, timeout=_ANSWER_SECONDS)
        self._set = self._redis.register_script(_SET)
        self._claim = self._redis.register_script(_CLAIM)

    async def set(self, alarms: Sequence[Alarm]) -> None:
        """Set timers; a row has one, and the latest call counts. Whoever waits is woken if one is earlier than all."""
        by_queue: dict[str, list[Alarm]] = defaultdict(list)
        for alarm in alarms:
            by_queue[alarm.queue].append(alarm)
        for queue, some in by_queue.items():
            for start in range(0, len(some), _AT_ONCE):
                arguments: list[str] = []
                for alarm in some[start : start + _AT_ONCE]:
                    arguments += (str(_score(alarm.at)), alarm.tenant_id.hex + alarm.row_id.hex)
                await self._set(keys=[_key(queue), f"{queue}:wake"], args=arguments)

    async def claim(self, queue: str, *, now: datetime, limit: int) -> Claimed | None:
        """Take rows whose time has come, each handed to one caller; None when Redis lost the timers."""
        # The script answers with an array of members and a score, or with nothing.
        found = cast(
            "tuple[list[bytes], bytes] | None",
            await self._claim(keys=[_key(queue), _epoch(queue)], args=[_score(now), limit]),
        )
        if not found:
            return None
        rows: dict[TenantId, list[UUID]] = defaultdict(list)
        for member in found[0]:
            rows[TenantId(UUID(member[:32].decode()))].append(UUID(member[32:].decode()))
        return Claimed(rows, float(found[1]) / 1000 if found[1] else None)

    async def begin_rebuild(self, queue: str) -> bool:
        """Return whether the caller is the one to set all timers anew."""
        return bool(
            await self._redis.set(f"{_key(queue)}:rebuild", str(new_id()), nx=True, px=_REBUILD_MILLISECONDS)
        )

    async def end_rebuild(self, queue: str) -> None:
        """Note that all timers are set."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(_epoch(queue), str(new_id()))
            pipeline.delete(f"{_key(queue)}:rebuild")
            await pipeline.execute()

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()


def _score(at: datetime) -> int:
    """Return milliseconds, rounded up: a timer never goes off before its row is due."""
    return ceil(at.timestamp() * 1000)


def _key(queue: str) -> str:
    return f"due:{{{queue}}}"


def _epoch(queue: str) -> str:
    return f"due:{{{queue}}}:epoch"
