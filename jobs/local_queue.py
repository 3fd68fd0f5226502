"""Runs the jobs of this process without Redis, and takes over for a queue that is away."""

import asyncio
from collections import Counter as Tally
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from domain.clock import Clock
from domain.ids import JobRunId, ProjectId, TenantId, new_id
from domain.operations.queue import QUEUES, JobArgument, JobOrder, Waiting
from integrations.job_queue import RedisJobQueue
from jobs.cancelling import end
from jobs.job_history import JobHistory
from jobs.job_runner import Attempt, JobFailed, JobRunner
from jobs.registry import Job, Registry, RunAgain
from services.ports import JobQueue

log = structlog.get_logger()

MOST_WAITING = 10_000
"""Jobs that wait in one process; more stay where they are, in their tables."""

_LOOK_SECONDS = 0.5


class LocalQueue:
    """A `JobQueue` in memory whose jobs `run` runs, each queue as many at once as elsewhere.

    What waits here is lost with the process, and found again by the sweepers of the tables.
    """

    def __init__(
        self,
        registry: Registry,
        history: JobHistory,
        *,
        clock: Clock,
        queues: Collection[str] = tuple(QUEUES),
    ) -> None:
        self._registry = registry
        self._runner = JobRunner(history, clock=clock, queue=self)
        self._clock = clock
        self._queues = frozenset(queues)
        self._waiting: OrderedDict[str, _Left] = OrderedDict()
        self._running: dict[str, tuple[asyncio.Task[None], Job]] = {}
        self._aborted: set[str] = set()
        self._some = asyncio.Event()

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
        """Leave those jobs that this process knows and whose queues it serves; return how many."""
        placed = 0
        for order in orders:
            if order.name not in self._registry or order.queue not in self._queues:
                continue
            if order.id in self._running or len(self._waiting) >= MOST_WAITING:
                continue
            now = self._clock.now()
            due_at = order.at or now
            present = self._waiting.get(order.id)
            if present is None:
                known = replace(order, run_id=order.run_id or JobRunId(new_id()))
                self._waiting[order.id] = _Left(order=known, enqueued_at=now, due_at=due_at, number=1)
            elif due_at < present.due_at and present.number == 1:
                self._waiting[order.id] = replace(present, due_at=due_at)
            placed += 1
        self._some.set()
        return placed

    async def cancel(self, id: str) -> bool:  # noqa: A002 The port's word.
        """Take a job out, or stop it; return whether there was one."""
        if id in self._running:
            self._aborted.add(id)
            self._running[id][0].cancel()
            return True
        return self._waiting.pop(id, None) is not None

    async def waiting(self, tenant_id: TenantId | None = None) -> Mapping[str, Waiting] | None:
        """Return what is due in this process."""
        now = self._clock.now()
        due = [
            (left.order.queue, left.due_at)
            for left in self._waiting.values()
            if left.due_at <= now and (tenant_id is None or left.order.args[0] == str(tenant_id))
        ]
        return {
            name: Waiting(
                count=sum(queue == name for queue, _ in due),
                is_capped=False,
                oldest_at=min((at for queue, at in due if queue == name), default=None),
            )
            for name in QUEUES
        }

    async def run(self) -> None:
        """Run what is left here until cancelled; what is under way then is stopped and left to the sweepers."""
        try:
            while True:
                self._some.clear()
                self._start_due()
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._some.wait()
                except TimeoutError:
                    continue
        finally:
            await end([task for task, _ in self._running.values()])

    def _start_due(self) -> None:
        now = self._clock.now()
        busy = Tally(job.queue.name for _, job in self._running.values())
        for key, left in list(self._waiting.items()):
            job = self._registry[left.order.name]
            if left.due_at > now or busy[job.queue.name] >= job.queue.concurrency:
                continue
            del self._waiting[key]
            busy[job.queue.name] += 1
            task = asyncio.create_task(self._attempt(job, left), name=f"job {job.name}")
            self._running[key] = (task, job)

    async def _attempt(self, job: Job, left: "_Left") -> None:
        order = left.order
        attempt = Attempt(
            key=order.id,
            args=order.args,
            number=left.number,
            enqueued_at=left.enqueued_at,
            due_at=left.due_at,
            run_id=order.run_id,
            project_id=order.project_id,
            retried_from=order.retried_from,
        )
        again: datetime | None = None
        try:
            await self._runner.run(job, attempt, is_aborted=lambda: order.id in self._aborted)
        except RunAgain as wish:
            again = self._clock.now() + timedelta(seconds=wish.after)
        except JobFailed:
            pass
        finally:
            self._aborted.discard(order.id)
            self._running.pop(order.id, None)
            if again is not None:
                self._waiting.setdefault(order.id, replace(left, due_at=again, number=left.number + 1))
            self._some.set()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Left:
    """A job that waits for its attempt of that number."""

    order: JobOrder
    enqueued_at: datetime
    due_at: datetime
    number: int


class FallbackQueue:
    """A `JobQueue` that leaves jobs on Redis, and runs them here while that is away."""

    def __init__(self, first: RedisJobQueue, second: JobQueue) -> None:
        self._first = first
        self._second = second

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
        """Leave several jobs; return how many wait now."""
        placed = await self._first.place(orders)
        return await self._second.enqueue_many(orders) if placed is None else placed

    async def cancel(self, id: str) -> bool:  # noqa: A002 The port's word.
        """Take a job out wherever it is, or stop it."""
        return any([await self._first.cancel(id), await self._second.cancel(id)])

    async def waiting(self, tenant_id: TenantId | None = None) -> Mapping[str, Waiting] | None:
        """Return what waits on Redis, or here while that is away."""
        found = await self._first.waiting(tenant_id)
        return await self._second.waiting(tenant_id) if found is None else found
