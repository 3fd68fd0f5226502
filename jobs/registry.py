"""Which jobs there are: a name, a function, its queue and its limits, without a word of what runs them."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from domain.ids import JobRunId, ProjectId, TenantId
from domain.operations.queue import QUEUES, JobArgument, Queue
from services.ports import JobQueue

P = ParamSpec("P")


class RunAgain(Exception):
    """The job has to run again, `after` seconds from now; this counts as one of its tries."""

    def __init__(self, reason: str, *, after: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class GiveUp(Exception):
    """The job failed and repeating it is pointless; `reason` is kept in the history and must hold no data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class JobContext:
    """What a job is run with. `attempt` counts from 1; `queue` takes what has to happen next."""

    tenant_id: TenantId
    project_id: ProjectId | None
    run_id: JobRunId
    attempt: int
    queue: JobQueue


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A kind of job. Its function may run twice, because a worker can die before it has said that it was done."""

    name: str
    # ...: the arguments differ from job to job; they are those of the order after the tenant.
    run: Callable[Concatenate[JobContext, ...], Awaitable[object]]
    queue: Queue
    timeout_seconds: float
    tries: int


class Registry(Mapping[str, Job]):
    """The jobs of a process by name. Raises `ValueError` for a name that is taken."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs: dict[str, Job] = {}
        for one in jobs:
            if one.name in self._jobs:
                raise ValueError(f"There are two jobs called {one.name}; give one another name.")
            self._jobs[one.name] = one

    def __getitem__(self, name: str) -> Job:
        """Return the job of that name, or raise `KeyError`."""
        return self._jobs[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._jobs)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._jobs)

    def of(self, queue: str) -> list[Job]:
        """Return the jobs of one queue."""
        return [one for one in self._jobs.values() if one.queue.name == queue]


def job(
    name: str,
    run: Callable[Concatenate[JobContext, P], Awaitable[object]],
    *,
    queue: str = "default",
    timeout_seconds: float | None = None,
    tries: int | None = None,
) -> Job:
    """Declare a job; what is not said is the queue's. Raises `ValueError` for an unknown queue.

    `run` is given a `JobContext`, then the order's arguments after the tenant.
    """
    if queue not in QUEUES:
        raise ValueError(f"The job {name} wants the queue {queue!r}; there are {', '.join(QUEUES)}.")
    home = QUEUES[queue]
    return Job(
        name=name,
        run=run,
        queue=home,
        timeout_seconds=home.timeout_seconds if timeout_seconds is None else timeout_seconds,
        tries=home.tries if tries is None else tries,
    )


__all__ = ["GiveUp", "Job", "JobArgument", "JobContext", "Registry", "RunAgain", "job"]
