"""The queues of background jobs: how many of each run at once, and for how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.ids import JobRunId, ProjectId

JobArgument = str | int | bool | None
"""What a job is told: ids, numbers and short words, never what customers wrote."""

LONGEST_KEY = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """One queue. `concurrency` counts the jobs of one process; a job may take `timeout_seconds`, `tries` times."""

    name: str
    concurrency: int
    timeout_seconds: float
    tries: int = 5


QUEUES: Mapping[str, Queue] = {
    queue.name: queue
    for queue in (
        Queue(name="fast", concurrency=100, timeout_seconds=60),
        Queue(name="default", concurrency=50, timeout_seconds=300),
        Queue(name="media", concurrency=16, timeout_seconds=180),
        Queue(name="bulk", concurrency=4, timeout_seconds=900),
    )
}
"""Every queue by its name: what people wait for, everything else, files, and long work in steps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOrder:
    """A job to be run. `id` names it in its queue, where it waits at most once; see `job_key`.

    `args` are ids and numbers: first the tenant's UUID as text, then, if it works on one thing, that thing's
    public id. It runs at `at`, or soon. `run_id` and `retried_from` tie it to a row of the history.
    """

    name: str
    args: Sequence[JobArgument]
    id: str
    queue: str
    at: datetime | None = None
    project_id: ProjectId | None = None
    run_id: JobRunId | None = None
    retried_from: JobRunId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What waits in a queue: how many due jobs, whether there are more than were counted, since when."""

    count: int
    is_capped: bool
    oldest_at: datetime | None


def job_key(name: str, tenant_id: UUID, *parts: object) -> str:
    """Return the id under which a job waits at most once, such as `group.name:<tenant>:<chat>`.

    The tenant is part of it, so that no tenant's job can take the place of another's.
    """
    return ":".join((name, str(tenant_id), *(str(part) for part in parts)))[:LONGEST_KEY]
