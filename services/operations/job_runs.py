"""What operators can see of background jobs and do with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.errors import NotFound
from domain.identity.permission import Permission
from domain.ids import JobRunId
from domain.operations.job_run import JobRun, JobStatus
from domain.operations.queue import QUEUES, JobOrder, Waiting
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.ports import JobQueue
from services.viewer import Viewer

FAILURES_COUNTED = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueTally:
    """How a queue does, as far as one tenant's jobs are concerned.

    `oldest_waiting_seconds` is None where nothing waits, or where Redis, which alone knows, is away.
    """

    name: str
    waiting: int
    is_waiting_capped: bool
    running: int
    oldest_waiting_seconds: float | None
    failed_in_last_hour: int


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, JobRun]:
    """Return those of the job runs that the viewer can see, by id."""
    viewer.require(Permission.JOBS_READ)
    found = await reader.job_runs.find_many(ids)
    return {id_: run for id_, run in found.items() if _concerns(run, viewer)}


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[JobRun]:
    """Return a page of the jobs that concern the project, or the whole tenant."""
    viewer.require(Permission.JOBS_READ)
    return await reader.job_runs.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many there are, up to the limit of counting."""
    viewer.require(Permission.JOBS_READ)
    return await reader.job_runs.count(viewer.project_id, listing)


async def waiting(queue: JobQueue | None, viewer: Viewer) -> Mapping[str, Waiting] | None:
    """Return what waits of the viewer's tenant, None where there is no Redis to ask."""
    viewer.require(Permission.JOBS_READ)
    return None if queue is None else await queue.waiting(viewer.tenant_id)


async def tally(reader: Reader, viewer: Viewer, *, waiting: Mapping[str, Waiting] | None) -> list[QueueTally]:
    """Return how each queue does for the viewer's tenant, given what waits on Redis."""
    viewer.require(Permission.JOBS_READ)
    found = await reader.job_runs.tally(since=reader.now - FAILURES_COUNTED)
    return [
        _tally(name, found.get(name, {}), None if waiting is None else waiting[name], now=reader.now)
        for name in QUEUES
    ]


async def retry(uow: UnitOfWork, viewer: Viewer, *, job_run_id: JobRunId) -> JobRun:
    """Let a job that failed or was cancelled run again, as a new run. Raises `NotFound` or `InvalidState`.

    It is placed in its queue after the commit; if that fails, by the sweeper.
    """
    viewer.require(Permission.JOBS_WRITE)
    run = (await _lock(uow, viewer, job_run_id)).again(at=uow.now)
    uow.orders.append(order_of(run))
    return uow.job_runs.add(run)


async def cancel(uow: UnitOfWork, viewer: Viewer, *, job_run_id: JobRunId) -> JobRun:
    """Keep a job from running, or ask its worker to stop it. Raises `NotFound` or `InvalidState`.

    Cancel its key in the queue after the commit; if that fails, the sweeper does.
    """
    viewer.require(Permission.JOBS_WRITE)
    run = await _lock(uow, viewer, job_run_id)
    run.cancel(at=uow.now)
    return run


def order_of(run: JobRun) -> JobOrder:
    """Return what a queue has to be given for a run that somebody asked for."""
    return JobOrder(
        name=run.name,
        args=run.arguments,
        id=run.key,
        queue=run.queue,
        project_id=run.project_id,
        run_id=run.id,
        retried_from=run.retried_from_id,
    )


async def _lock(uow: UnitOfWork, viewer: Viewer, id_: JobRunId) -> JobRun:
    run = await uow.job_runs.get_for_update(id_)
    if not _concerns(run, viewer):
        raise NotFound("There is no job run with this id.", field=["id"])
    return run


def _concerns(run: JobRun, viewer: Viewer) -> bool:
    return run.project_id is None or run.project_id == viewer.project_id


def _tally(
    name: str, found: Mapping[JobStatus, int], waiting: Waiting | None, *, now: datetime
) -> QueueTally:
    oldest_at = None if waiting is None else waiting.oldest_at
    rows = found.get(JobStatus.QUEUED, 0) + found.get(JobStatus.RETRYING, 0)
    return QueueTally(
        name=name,
        waiting=rows if waiting is None else waiting.count,
        is_waiting_capped=waiting is not None and waiting.is_capped,
        running=found.get(JobStatus.RUNNING, 0),
        oldest_waiting_seconds=None if oldest_at is None else max(0.0, (now - oldest_at).total_seconds()),
        failed_in_last_hour=found.get(JobStatus.FAILED, 0),
    )
