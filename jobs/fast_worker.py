"""arq's worker with another way to its jobs: due ids are claimed in one script, and a wake replaces the poll.

The keys in Redis, the functions and what becomes of a job are arq's (0.28): its own producers reach this worker,
and its own workers may serve the same queue.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from arq.connections import ArqRedis
from arq.constants import abort_jobs_ss, in_progress_key_prefix
from arq.worker import Function, Worker
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from integrations.job_codec import decode, encode
from integrations.redis_feed import Listening
from jobs.cancelling import end
from persistence.outages import heed_cancellation

log = structlog.get_logger()

LEASE_SECONDS = 30.0
"""How long a job stays with a worker that no longer speaks of it."""

GRACE_SECONDS = 8.0
"""How long jobs may take to finish once the worker is told to stop."""

_BREAK_SECONDS = 0.5
_GATHER_SECONDS = 0.002
_ABORT_KEPT_MS = 600_000
_HEARD_SECONDS = 60.0

# What runs stays in the queue until it is done, before everything that is due: the search passes over it. The
# first to set the key of a job has it; nothing comes between the look and the claim.
_CLAIM = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wanted, offset, claimed = tonumber(ARGV[2]), 0, {}
local step = math.max(wanted * 2, 64)
while #claimed < wanted * 2 do
  local found = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', offset, step, 'WITHSCORES')
  for i = 1, #found, 2 do
    if #claimed < wanted * 2 and redis.call('SET', ARGV[1] .. found[i], '1', 'NX', 'PX', ARGV[3]) then
      claimed[#claimed + 1] = found[i]
      claimed[#claimed + 1] = found[i + 1]
    end
  end
  offset = offset + step
  if #found < step * 2 then break end
end
local next = redis.call('ZRANGE', KEYS[1], '(' .. now, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[4]))
return {claimed, next[2] and next[2] - now or -1, redis.call('ZRANGE', KEYS[2], 0, -1)}
"""


class FastWorker(Worker):
    """Serves one queue until it is cancelled, through outages of Redis.

    A job belongs to this worker for `lease_seconds`, renewed while it runs: that of a killed worker runs again
    after that time, not after the longest timeout. When cancelled, the worker claims nothing more, waits
    `grace_seconds` for what runs, and hands back the rest, which then runs again. Results are not kept unless
    `keep_result` says so, so that the id of a job can be used again once it is done.
    """

    # Any: arq's options, passed on as they are.
    def __init__(
        self,
        functions: Sequence[Function] = (),
        *,
        redis: ArqRedis,
        queue_name: str,
        wakes: Listening | None = None,
        lease_seconds: float = LEASE_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
        **options: Any,
    ) -> None:
        super().__init__(
            functions,
            redis_pool=redis,
            queue_name=queue_name,
            handle_signals=False,
            allow_abort_jobs=True,
            job_serializer=encode,
            job_deserializer=decode,
            log_results=False,
            **{"keep_result": 0, **options},
        )
        self.in_progress_timeout_s = lease_seconds
        self._grace_seconds = grace_seconds
        self._wakes = wakes
        self._wake = asyncio.Event()
        self._claim = redis.register_script(_CLAIM)
        self._renew_at = 0.0
        self._is_away = False

    async def main(self) -> None:
        """Claim and run until cancelled; in burst mode, until the queue is empty."""
        self.ctx |= {"redis": self.pool, "aborting": self.aborting_tasks}
        if self.on_startup:
            await self.on_startup(self.ctx)
        hearing = asyncio.create_task(self._hear(), name=f"wakes of {self.queue_name}")
        try:
            while True:
                self._wake.clear()
                pause, is_full = await self._turn()
                # redis-py may have swallowed a cancellation; see `jobs.cancelling`.
                heed_cancellation()
                if self.burst and not self.tasks and not await self.pool.zcard(self.queue_name):
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                if is_full:
                    # More is due: let some places become free, and claim for all of them at once.
                    await asyncio.sleep(_GATHER_SECONDS)
        finally:
            hearing.cancel()
            await self._finish()

    @property
    def is_away(self) -> bool:
        """Whether Redis did not answer when it was last asked."""
        return self._is_away

    async def close(self) -> None:
        """Close the connections, after `main` has ended."""
        with suppress(RedisError, OSError):
            await self.pool.delete(self.health_check_key)
        await self.pool.aclose(close_connection_pool=True)

    # Any: arq's own arguments, passed on.
    async def finish_job(self, *args: Any, **kwargs: Any) -> None:
        """Tell Redis what became of a job, also when it is away for a while."""
        finish = super().finish_job
        await self._through_outages(lambda: finish(*args, **kwargs))

    async def finish_failed_job(self, *args: Any, **kwargs: Any) -> None:
        """Tell Redis that a job could not be run, also when it is away for a while."""
        finish = super().finish_failed_job
        await self._through_outages(lambda: finish(*args, **kwargs))

    async def _turn(self) -> tuple[float, bool]:
        """Claim what is due; return how long to wait for a wake, and whether every place was taken."""
        try:
            pause, is_full = await self._claim_due()
            await self._renew()
            self._reap()
            await self.heart_beat()
        except (RedisError, OSError) as error:
            heed_cancellation()
            if not self._is_away:
                log.warning("jobs.redis_away", queue=self.queue_name, error=type(error).__name__)
            self._is_away = True
            self._reap()
            await asyncio.sleep(_BREAK_SECONDS)
            return 0.0, False
        if self._is_away:
            log.info("jobs.redis_back", queue=self.queue_name)
            self._is_away = False
        return pause, is_full

    async def _claim_due(self) -> tuple[float, bool]:
        running = sum(not task.done() for task in self.tasks.values())
        free = self.max_jobs - running if self.allow_pick_jobs else 0
        claimed, next_in, aborted = await self._claim(
            keys=[self.queue_name, abort_jobs_ss],
            args=[in_progress_key_prefix, free, int(self.in_progress_timeout_s * 1000), _ABORT_KEPT_MS],
        )
        for job_id, score in zip(claimed[::2], claimed[1::2], strict=True):
            self._start(job_id.decode(), int(float(score)))
        if aborted:
            await self._abort(one.decode() for one in aborted)
        pause = self.poll_delay_s
        if int(next_in) >= 0:
            pause = min(pause, max(int(next_in), 1) / 1000)
        return pause, bool(claimed) and len(claimed) == free * 2

    def _start(self, job_id: str, score: int) -> None:
        present = self.tasks.get(job_id)
        if present is not None and not present.done():
            # Redis forgot that it runs here. It is claimed again now, and leaves the queue when it is done.
            return
        task = self.loop.create_task(self.run_job(job_id, score), name=f"job {job_id}")
        task.add_done_callback(lambda _: self._wake.set())
        self.tasks[job_id] = task

    async def _abort(self, job_ids: Any) -> None:  # Any: an iterable of texts.
        found = [job_id for job_id in job_ids if job_id in self.job_tasks]
        for job_id in found:
            self.aborting_tasks.add(job_id)
            self.job_tasks[job_id].cancel()
        if found:
            await self.pool.zrem(abort_jobs_ss, *found)

    async def _renew(self) -> None:
        now = self.loop.time()
        if now < self._renew_at:
            return
        self._renew_at = now + self.in_progress_timeout_s / 4
        # Only what runs: the last word on a job that is done may say how long its key has to stay.
        if running := list(self.job_tasks):
            async with self.pool.pipeline(transaction=False) as pipeline:
                for job_id in running:
                    pipeline.pexpire(in_progress_key_prefix + job_id, int(self.in_progress_timeout_s * 1000))
                await pipeline.execute()

    def _reap(self) -> None:
        for job_id, task in list(self.tasks.items()):
            if not task.done():
                continue
            del self.tasks[job_id]
            # The id can come again; a wish to abort this run must not end another.
            self.aborting_tasks.discard(job_id)
            if task.cancelled():
                continue
            error = task.exception()
            if isinstance(error, RedisError | OSError):
                # Nobody could tell Redis, so it runs again once its lease is over.
                log.warning("jobs.unsettled", queue=self.queue_name, error=type(error).__name__)
            elif error is not None:
                raise error

    async def _through_outages(self, tell: Callable[[], Awaitable[None]]) -> None:
        give_up_at = self.loop.time() + self.in_progress_timeout_s
        while True:
            try:
                return await tell()
            except (RedisError, OSError):
                heed_cancellation()
                if self.loop.time() > give_up_at:
                    raise
                await asyncio.sleep(_BREAK_SECONDS)

    async def _hear(self) -> None:
        while self._wakes is not None:
            if await self._wakes.wait(self.queue_name, timeout=_HEARD_SECONDS):
                self._wake.set()

    async def _finish(self) -> None:
        self.allow_pick_jobs = False
        tasks = [task for task in self.tasks.values() if not task.done()]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=self._grace_seconds)
        finally:
            late = [task for task in tasks if not task.done()]
            if late:
                log.info("jobs.handed_back", queue=self.queue_name, jobs=len(late))
            await end(late)


def arq_redis(redis_url: str) -> ArqRedis:
    """Return a client in arq's manner whose jobs are written as ours; every form of URL that redis-py knows works.

    arq's own reading of URLs loses a database that is named after a socket, and passwords with escapes.
    """
    pool = ConnectionPool.from_url(redis_url, socket_connect_timeout=1.0, socket_timeout=5.0)
    return ArqRedis(pool, job_serializer=encode, job_deserializer=decode)
