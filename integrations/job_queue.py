"""The queues of jobs on Redis, in arq's keys: what is placed here reaches any arq worker."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Self

import structlog
from redis.exceptions import RedisError

from domain.clock import Clock
from domain.ids import ProjectId, TenantId
from domain.operations.queue import QUEUES, JobArgument, JobOrder, Waiting
from integrations.job_codec import encode_order
from integrations.redis_channels import connect

log = structlog.get_logger()

PREFIX = "ventros:"
"""Before the name of each queue, as the key of its sorted set."""

KEPT = timedelta(days=7)
"""How long after its time a job may still begin; arq's own producers give it one day."""

_ANSWER_SECONDS = 1.0
_BREAK = timedelta(seconds=1)
_ORDERS_PER_SCRIPT = 500
_COUNTED = 5_000

# What pauses before it is repeated keeps its time. A job whose key is there but that is neither in the queue nor
# running was half lost; it is placed anew. What arq left under the same id, tries and wishes to abort, must not
# fall upon the new job.
_PLACE = """
local placed = 0
for i = 1, #ARGV, 4 do
  local id, score, life, body = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local is_new = redis.call('SET', 'arq:job:' .. id, body, 'NX', 'PX', life)
  if not is_new and redis.call('EXISTS', 'arq:in-progress:' .. id) == 0 then
    if redis.call('ZSCORE', KEYS[1], id) then
      if redis.call('EXISTS', 'arq:retry:' .. id) == 0 then redis.call('ZADD', KEYS[1], 'XX', 'LT', score, id) end
      placed = placed + 1
    else
      redis.call('SET', 'arq:job:' .. id, body, 'PX', life)
      is_new = true
    end
  end
  if is_new then
    redis.call('DEL', 'arq:retry:' .. id, 'arq:result:' .. id)
    redis.call('ZREM', 'arq:abort', id)
    redis.call('ZADD', KEYS[1], score, id)
    placed = placed + 1
  end
end
if placed > 0 then redis.call('PUBLISH', KEYS[1] .. ':wake', '') end
return placed
"""

# A wish to abort is left only for what is running: under an id that can be used again it would wait for the next.
_CANCEL = """
local id, now = ARGV[1], ARGV[2]
if redis.call('EXISTS', 'arq:in-progress:' .. id) == 1 then
  redis.call('ZADD', 'arq:abort', now, id)
  for _, queue in ipairs(KEYS) do
    if redis.call('ZSCORE', queue, id) then redis.call('PUBLISH', queue .. ':wake', '') end
  end
  return 1
end
local found = 0
for _, queue in ipairs(KEYS) do found = found + redis.call('ZREM', queue, id) end
if found > 0 then redis.call('DEL', 'arq:job:' .. id, 'arq:retry:' .. id) end
return found
"""

_WAITING = """
local ids = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
local waiting, oldest = 0, ''
for i = 1, #ids, 2 do
  if (ARGV[3] == '' or string.find(ids[i], ARGV[3], 1, true))
     and redis.call('EXISTS', 'arq:in-progress:' .. ids[i]) == 0 then
    waiting = waiting + 1
    if oldest == '' then oldest = ids[i + 1] end
  end
end
return {waiting, oldest, #ids / 2}
"""


class RedisJobQueue:
    """A `JobQueue` on Redis. Use it with `async with`. After a failure it rests for a second."""

    def __init__(self, redis_url: str, *, clock: Clock) -> None:
        self._client = connect(redis_url, timeout=_ANSWER_SECONDS)
        self._clock = clock
        self._rests_until = datetime.min.replace(tzinfo=UTC)

    async def __aenter__(self) -> Self:
        """Begin; the connection is made when first needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def enqueue(
        self,
        name: str,
        args: Sequence[JobArgument],
        *,
        id: str,  # noqa: A002 The port's word.
        queue: str,
        at: datetime | None = None,
        project_id: ProjectId | None = None,
    ) -> int:
        """Leave one job; return 1 if it waits now."""
        return await self.enqueue_many(
            [JobOrder(name=name, args=args, id=id, queue=queue, at=at, project_id=project_id)]
        )

    async def enqueue_many(self, orders: Sequence[JobOrder]) -> int:
        """Leave several jobs in one round trip; return how many wait now. Raises `ValueError` for an unknown queue."""
        return await self.place(orders) or 0

    async def place(self, orders: Sequence[JobOrder]) -> int | None:
        """Do the same; return None when Redis is away, which is not 0: then all of them run already."""
        scripts = list(_scripts(orders, now=self._clock.now()))
        placed: list[int] | None = await self._run(scripts) if scripts else []
        return None if placed is None else sum(placed)

    async def cancel(self, id: str) -> bool:  # noqa: A002 The port's word.
        """Take a job out of its queue, or have its worker stop it; return whether there was one."""
        keys = [queue_key(name) for name in QUEUES]
        now = int(self._clock.now().timestamp() * 1000)
        answer = await self._run([(_CANCEL, keys, [id, now])])
        return bool(answer and answer[0])

    async def waiting(self, tenant_id: TenantId | None = None) -> Mapping[str, Waiting] | None:
        """Return what is due by queue and not running; at most the first thousands of a queue are looked at."""
        now = int(self._clock.now().timestamp() * 1000)
        needle = "" if tenant_id is None else f":{tenant_id}"
        answers = await self._run([(_WAITING, [queue_key(name)], [now, _COUNTED, needle]) for name in QUEUES])
        if answers is None:
            return None
        return {
            name: Waiting(
                count=count,
                is_capped=seen >= _COUNTED,
                oldest_at=datetime.fromtimestamp(float(oldest) / 1000, UTC) if oldest else None,
            )
            for name, (count, oldest, seen) in zip(QUEUES, answers, strict=True)
        }

    # Any: what the scripts return.
    async def _run(
        self, scripts: Sequence[tuple[str, Sequence[str], Sequence[str | int | bytes]]]
    ) -> list[Any] | None:
        """Run scripts in one round trip; None when Redis is away."""
        if self._clock.now() < self._rests_until:
            return None
        try:
            async with self._client.pipeline(transaction=False) as pipeline:
                for script, keys, arguments in scripts:
                    pipeline.execute_command("EVAL", script, len(keys), *keys, *arguments)
                answers = await pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("jobs.queue_away", error=type(error).__name__)
            self._rests_until = self._clock.now() + _BREAK
            return None
        return list(answers)


def queue_key(name: str) -> str:
    """Return the key of a queue. Raises `ValueError` for one that does not exist."""
    if name not in QUEUES:
        raise ValueError(f"There is no queue {name!r}; there are {', '.join(QUEUES)}.")
    return PREFIX + name


def _scripts(
    orders: Sequence[JobOrder], *, now: datetime
) -> Iterator[tuple[str, Sequence[str], Sequence[str | int | bytes]]]:
    for name, same in groupby(sorted(orders, key=lambda order: order.queue), key=lambda order: order.queue):
        key = queue_key(name)
        waiting = list(same)
        for start in range(0, len(waiting), _ORDERS_PER_SCRIPT):
            arguments: list[str | int | bytes] = []
            for order in waiting[start : start + _ORDERS_PER_SCRIPT]:
                at = max(order.at or now, now)
                life = int((at - now + KEPT).total_seconds() * 1000)
                score = int(at.timestamp() * 1000)
                arguments += [order.id, score, life, encode_order(order, now=now)]
            yield _PLACE, [key], arguments
