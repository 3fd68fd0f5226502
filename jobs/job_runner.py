"""Runs one attempt of a job: its limits, what is tried again and when, and the report of it."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from domain.clock import Clock
from domain.errors import Conflict, DomainError
from domain.ids import JobRunId, ProjectId, TenantId
from domain.operations.job_run import JobStatus
from domain.operations.queue import JobArgument
from integrations.errors import IntegrationError, Rejected, Unavailable
from jobs.job_history import JobHistory
from jobs.registry import GiveUp, Job, JobContext, RunAgain
from persistence.operations.job_runs import JobReport
from persistence.outages import heed_cancellation
from services.ports import JobQueue

log = structlog.get_logger()

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 1.0, 60.0
_DEATHS_PER_TRY = 3
_LONGEST_MESSAGE = 500

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 300, 900)
WAIT = Histogram(
    "ventros_job_wait_seconds", "From when a job was due to its start.", ["name"], buckets=_BUCKETS
)
RUN = Histogram("ventros_job_run_seconds", "One attempt of a job.", ["name"], buckets=_BUCKETS)
FAILURES = Counter("ventros_job_run_failures", "Jobs that failed for good.", ["name"])
RETRIES = Counter("ventros_job_run_retries", "Attempts of jobs that will be repeated.", ["name"])


class JobFailed(Exception):
    """A job failed for good. It says nothing but the class of what happened, because others log it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt: `number` counts from 1, `due_at` is when it could have begun."""

    key: str
    args: Sequence[JobArgument]
    number: int
    enqueued_at: datetime
    due_at: datetime
    run_id: JobRunId | None = None
    project_id: ProjectId | None = None
    retried_from: JobRunId | None = None


class JobRunner:
    """Runs the jobs of one process."""

    def __init__(self, history: JobHistory, *, clock: Clock, queue: JobQueue) -> None:
        self._history = history
        self._clock = clock
        self._queue = queue

    async def run(self, job: Job, attempt: Attempt, *, is_aborted: Callable[[], bool]) -> None:
        """Run one attempt and report it.

        Raises `RunAgain` when it has to be repeated, `JobFailed` when it never will, and lets a cancellation
        pass: then it was aborted if `is_aborted` says so, else it will be run again.
        """
        tenant_id = _tenant(job, attempt)
        report = self._report(job, attempt, tenant_id)
        if attempt.number > job.tries * _DEATHS_PER_TRY:
            # Nothing failed so often; its workers died of it.
            raise self._failed(report, error="WorkersDied", message="Its worker ended each time it was run.")
        self._history.begun(report)
        WAIT.labels(job.name).observe((report.wait_ms or 0) / 1000)
        context = JobContext(
            tenant_id=tenant_id,
            project_id=attempt.project_id,
            run_id=report.id,
            attempt=attempt.number,
            queue=self._queue,
        )
        try:
            with RUN.labels(job.name).time():
                async with asyncio.timeout(job.timeout_seconds):
                    await job.run(context, *attempt.args[1:])
        except asyncio.CancelledError:
            self._stopped(report, is_aborted=is_aborted())
            raise
        except Exception as error:  # noqa: BLE001 Whatever a job raises is reported and retried.
            try:
                heed_cancellation()
            except asyncio.CancelledError:
                self._stopped(report, is_aborted=is_aborted())
                raise
            raise self._judge(job, report, error) from None
        self._end(report, JobStatus.SUCCEEDED)

    def _stopped(self, report: JobReport, *, is_aborted: bool) -> None:
        self._end(report, JobStatus.CANCELLED if is_aborted else JobStatus.RETRYING)

    def _judge(self, job: Job, report: JobReport, error: Exception) -> Exception:
        kind, message = type(error).__name__, _message(error)
        is_hopeless = isinstance(error, GiveUp | Rejected) or (
            isinstance(error, DomainError) and not isinstance(error, Conflict)
        )
        if is_hopeless or report.attempts >= job.tries:
            return self._failed(report, error=kind, message=message)
        after = _delay(report.attempts)
        if isinstance(error, RunAgain):
            after = error.after
        elif isinstance(error, Unavailable) and error.retry_after is not None:
            after = max(error.retry_after, FIRST_DELAY_SECONDS)
        RETRIES.labels(job.name).inc()
        log.info("job.retrying", job=job.name, run_id=str(report.id), attempt=report.attempts, error=kind)
        report.error_class, report.error_message = kind, message
        self._end(report, JobStatus.RETRYING)
        return RunAgain(kind, after=after)

    def _failed(self, report: JobReport, *, error: str, message: str | None) -> JobFailed:
        FAILURES.labels(report.name).inc()
        log.warning(
            "job.failed", job=report.name, run_id=str(report.id), attempt=report.attempts, error=error
        )
        report.error_class, report.error_message = error, message
        self._end(report, JobStatus.FAILED)
        return JobFailed(error)

    def _report(self, job: Job, attempt: Attempt, tenant_id: TenantId) -> JobReport:
        now = self._clock.now()
        subject = attempt.args[1] if len(attempt.args) > 1 else None
        return JobReport(
            tenant_id=tenant_id,
            id=attempt.run_id or _derived_id(attempt),
            project_id=attempt.project_id,
            name=job.name,
            queue=job.queue.name,
            key=attempt.key,
            subject_id=subject if isinstance(subject, str) else None,
            arguments=tuple(attempt.args),
            status=JobStatus.RUNNING,
            attempts=attempt.number,
            enqueued_at=attempt.enqueued_at,
            started_at=now,
            wait_ms=_milliseconds(attempt.due_at, now),
            retried_from_id=attempt.retried_from,
            updated_at=now,
        )

    def _end(self, report: JobReport, status: JobStatus) -> None:
        now = self._clock.now()
        began = report.started_at or now
        report.status = status
        report.run_ms = _milliseconds(began, now)
        report.finished_at = None if status is JobStatus.RETRYING else now
        report.updated_at = now
        self._history.ended(report)


def _tenant(job: Job, attempt: Attempt) -> TenantId:
    try:
        return TenantId(UUID(str(attempt.args[0])))
    except (IndexError, ValueError):
        log.warning("job.unfit", job=job.name)
        raise JobFailed("The first argument of a job is its tenant's UUID.") from None


def _milliseconds(since: datetime, until: datetime) -> int:
    """Return the time between two instants, as far as a column holds it: 24 days."""
    return min(max(0, int((until - since).total_seconds() * 1000)), 2**31 - 1)


def _derived_id(attempt: Attempt) -> JobRunId:
    """Return the same id for every attempt of a job whose producer gave it none."""
    text = f"{attempt.key} {attempt.enqueued_at.isoformat()}"
    return JobRunId(UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=5))


def _delay(attempt: int) -> float:
    """Return the seconds before the next attempt: doubling, with a third of jitter."""
    delay: float = min(FIRST_DELAY_SECONDS * 2 ** (attempt - 1), LONGEST_DELAY_SECONDS)
    return delay * random.uniform(0.67, 1.0)  # noqa: S311 Jitter is no secret.


def _message(error: Exception) -> str | None:
    """Return what may be kept of an error: our own words, which hold no data, and codes."""
    if isinstance(error, GiveUp | RunAgain):
        return error.reason[:_LONGEST_MESSAGE]
    if isinstance(error, IntegrationError):
        return f"The other service said {error.code}."
    if isinstance(error, TimeoutError):
        return "It took longer than it may."
    return None
