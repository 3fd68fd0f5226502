"""Job runs: table, mapping, repository, and the batches that workers write."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from sqlalchemy import Boolean, Column, ColumnElement, Index, Integer, Text, Uuid, func, select, text

from domain.ids import JobRunId, ProjectId, TenantId
from domain.operations.job_run import JobRun, JobStatus
from domain.operations.queue import JobArgument
from persistence import bulk
from persistence.filters import Filterable
from persistence.metadata import tenant_table
from persistence.paging import Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, instant

# No reference to the project: a batch of what workers did must not fail because of one row.
job_runs = tenant_table(
    "job_runs",
    Column("project_id", Uuid),
    Column("name", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("subject_id", Text),
    Column("arguments", AsJSON(tuple[JobArgument, ...]), nullable=False),
    Column("status", EnumText(JobStatus), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("is_cancel_requested", Boolean, nullable=False),
    Column("enqueued_at", instant(), nullable=False),
    Column("started_at", instant()),
    Column("finished_at", instant()),
    Column("wait_ms", Integer),
    Column("run_ms", Integer),
    Column("error_class", Text),
    Column("error_message", Text),
    Column("retried_from_id", Uuid),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_job_runs_started", "tenant_id", "started_at", "id"),
    Index("ix_job_runs_enqueued", "tenant_id", "enqueued_at", "id"),
    Index(
        "ix_job_runs_unsettled",
        "status",
        "updated_at",
        postgresql_where=text("status IN ('QUEUED', 'RUNNING', 'RETRYING')"),
    ),
    Index("ix_job_runs_failed", "tenant_id", "finished_at", postgresql_where=text("status = 'FAILED'")),
    Index("ix_job_runs_finished", "status", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
)

job_run_collection = Collection(
    entity=JobRun,
    table=job_runs,
    default_order=(Term("STARTED_AT", descending=True, nulls_first=True),),
    sort_keys={
        "STARTED_AT": SortKey(job_runs.c.started_at, is_optional=True),
        "ENQUEUED_AT": SortKey(job_runs.c.enqueued_at),
    },
    fields={
        "id": Filterable(job_runs.c.id, "JobRunId"),
        "name": Filterable(job_runs.c.name),
        "queue": Filterable(job_runs.c.queue),
        "status": Filterable(job_runs.c.status),
        "subject_id": Filterable(job_runs.c.subject_id),
        "attempts": Filterable(job_runs.c.attempts),
        "enqueued_at": Filterable(job_runs.c.enqueued_at),
        "started_at": Filterable(job_runs.c.started_at),
        "finished_at": Filterable(job_runs.c.finished_at),
    },
)

# What PostgreSQL refuses, and what cannot be written as JSON.
_UNFIT = (asyncpg.DataError, TypeError, ValueError, RecursionError)

# A late report of an attempt never overwrites what came of it, nor a later attempt.
_LATEST = """
WHERE EXISTS (SELECT FROM tenants WHERE tenants.id = json_populate_recordset.tenant_id)
ON CONFLICT (tenant_id, id) DO UPDATE SET
  status = excluded.status, attempts = excluded.attempts, started_at = excluded.started_at,
  finished_at = excluded.finished_at, wait_ms = excluded.wait_ms, run_ms = excluded.run_ms,
  error_class = excluded.error_class, error_message = excluded.error_message,
  updated_at = greatest(job_runs.updated_at, excluded.updated_at), version = job_runs.version + 1
WHERE excluded.attempts > job_runs.attempts
  OR excluded.attempts = job_runs.attempts
     AND (excluded.status <> 'RUNNING' OR job_runs.status IN ('QUEUED', 'RUNNING'))
"""


@dataclass(kw_only=True, slots=True)
class JobReport:
    """What a worker knows of one job; a row of the table without the weight of an aggregate."""

    tenant_id: TenantId
    id: JobRunId
    project_id: ProjectId | None
    name: str
    queue: str
    key: str
    subject_id: str | None
    arguments: tuple[JobArgument, ...]
    status: JobStatus
    attempts: int
    is_cancel_requested: bool = False
    enqueued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    wait_ms: int | None = None
    run_ms: int | None = None
    error_class: str | None = None
    error_message: str | None = None
    retried_from_id: JobRunId | None = None
    updated_at: datetime
    version: int = 1


class JobRuns(Repository[JobRun]):
    """The job runs of a tenant."""

    aggregate = JobRun
    table = job_runs

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[JobRun]:
        """Return a page of the runs that concern a project, or the whole tenant."""
        return await job_run_collection.page(self.session, _concerns(project_id), listing, request)

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many such runs there are, up to the limit of counting."""
        return await job_run_collection.count(self.session, _concerns(project_id), listing)

    async def tally(self, *, since: datetime) -> Mapping[str, Mapping[JobStatus, int]]:
        """Return by queue how many of the tenant's jobs wait, run, and failed since an instant."""
        rows = await self.session.execute(
            select(job_runs.c.queue, job_runs.c.status, func.count())
            .where(
                job_runs.c.status.in_((JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING))
                | ((job_runs.c.status == JobStatus.FAILED) & (job_runs.c.finished_at >= since))
            )
            .group_by(job_runs.c.queue, job_runs.c.status)
        )
        found: dict[str, dict[JobStatus, int]] = {}
        for queue, status, number in rows:
            found.setdefault(queue, {})[status] = number
        return found


async def write(system: "asyncpg.Pool[asyncpg.Record]", runs: Sequence[JobReport]) -> None:
    """Write what became of jobs of any tenants, in one statement. Runs of tenants that are gone are left out.

    So are those that no row can hold, such as a foreign producer's id with a NUL character or arguments beyond JSON.
    """
    try:
        await _write(system, runs)
    except _UNFIT:
        for run in runs:
            with suppress(*_UNFIT):
                await _write(system, [run])


async def unplaced(system: "asyncpg.Pool[asyncpg.Record]", *, before: datetime, limit: int) -> list[JobRun]:
    """Return runs that somebody asked for before an instant and that no worker has begun."""
    async with system.acquire() as connection:
        return await bulk.fetch(
            connection,
            JobRun,
            job_runs,
            "status = 'QUEUED' AND updated_at < $1 ORDER BY updated_at LIMIT $2",
            before,
            limit,
        )


async def to_stop(system: "asyncpg.Pool[asyncpg.Record]", *, since: datetime, limit: int) -> list[str]:
    """Return the keys of jobs that somebody wanted to stop since an instant: those that run, or may still wait.

    What is older was stopped, or its worker is gone, and the key may be another job's by now; as it is when the
    job was asked for anew.
    """
    # The second bound on what was asked for anew follows from the first, and keeps the search out of the history.
    rows = await system.fetch(
        """
        (SELECT key FROM job_runs WHERE status = 'RUNNING' AND is_cancel_requested AND updated_at > $1
         ORDER BY updated_at LIMIT $2)
        UNION
        (SELECT key FROM job_runs c WHERE status = 'CANCELLED' AND is_cancel_requested AND finished_at > $1
           AND NOT EXISTS (SELECT FROM job_runs n WHERE n.tenant_id = c.tenant_id AND n.key = c.key
             AND n.enqueued_at >= c.finished_at AND n.enqueued_at > $1)
         ORDER BY finished_at LIMIT $2)
        """,
        since,
        limit,
    )
    return [row["key"] for row in rows]


async def give_up_lost(
    system: "asyncpg.Pool[asyncpg.Record]", *, now: datetime, running: datetime, waiting: datetime
) -> int:
    """Mark as failed what no worker has spoken of since those instants: its queue has lost it, or nobody knows it."""
    status = await system.execute(
        """
        UPDATE job_runs SET status = 'FAILED', finished_at = $1, updated_at = $1, version = version + 1,
          error_class = 'Lost', error_message = 'Its worker, or the queue, ended without saying what came of it.'
        WHERE status = 'RUNNING' AND updated_at < $2 OR status IN ('QUEUED', 'RETRYING') AND updated_at < $3
        """,
        now,
        running,
        waiting,
    )
    return int(status.rsplit(" ", 1)[-1])


async def prune(
    system: "asyncpg.Pool[asyncpg.Record]", *, successes: datetime, failures: datetime, limit: int
) -> int:
    """Delete some runs that ended before those instants, up to `limit` of each sort; return how many."""
    status = await system.execute(
        """
        DELETE FROM job_runs WHERE (tenant_id, id) IN (
          (SELECT tenant_id, id FROM job_runs WHERE status = 'SUCCEEDED' AND finished_at < $1
           ORDER BY finished_at LIMIT $3)
          UNION ALL
          (SELECT tenant_id, id FROM job_runs WHERE status IN ('FAILED', 'CANCELLED') AND finished_at < $2
           LIMIT $3))
        """,
        successes,
        failures,
        limit,
    )
    return int(status.rsplit(" ", 1)[-1])


async def _write(system: "asyncpg.Pool[asyncpg.Record]", runs: Sequence[JobReport]) -> None:
    # Before anything is waited for, because a worker goes on with its reports.
    rows = [{column.name: getattr(run, column.name) for column in job_runs.columns} for run in runs]
    # In the order of the key, so that two workers never wait for each other.
    rows.sort(key=lambda row: (str(row["tenant_id"]), str(row["id"])))
    async with system.acquire() as connection:
        await bulk.insert(connection, job_runs, rows, on_conflict=_LATEST)


def _concerns(project_id: ProjectId) -> ColumnElement[bool]:
    return (job_runs.c.project_id == project_id) | job_runs.c.project_id.is_(None)
