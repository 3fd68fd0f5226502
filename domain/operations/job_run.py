"""A job run: one piece of background work, from its queue to what came of it, over all its attempts."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from domain.base import Aggregate, Event
from domain.errors import InvalidState
from domain.ids import JobRunId, ProjectId, TenantId, new_id
from domain.operations.queue import JobArgument


class JobStatus(Enum):
    """How far a job came."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    RETRYING = "RETRYING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class JobRetried(Event, name="job.retried"):
    """Somebody let a job run once more."""

    job_run_id: JobRunId
    retried_from_id: JobRunId
    job_name: str


class JobCancelled(Event, name="job.cancelled"):
    """Somebody asked for a job not to run, or to stop."""

    job_run_id: JobRunId
    job_name: str


@dataclass(eq=False, kw_only=True)
class JobRun(Aggregate):
    """What a worker did, is doing, or is asked to do.

    `key` is the job's id in its queue and `arguments` what it is told. `subject_id` is the public id of what it
    works on. `error_class` and `error_message` never hold data. Without `project_id` it concerns the whole tenant.
    """

    kind: ClassVar[str] = "job run"
    id: JobRunId
    tenant_id: TenantId
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

    def again(self, *, at: datetime) -> "JobRun":
        """Return a new run of the same job. Raises `InvalidState` unless this one failed or was cancelled."""
        if self.status not in {JobStatus.FAILED, JobStatus.CANCELLED}:
            raise InvalidState(
                f"The job is {self.status.value}; only what FAILED or was CANCELLED can be run again.",
                field=["id"],
            )
        run = JobRun(
            id=JobRunId(new_id()),
            tenant_id=self.tenant_id,
            project_id=self.project_id,
            name=self.name,
            queue=self.queue,
            key=self.key,
            subject_id=self.subject_id,
            arguments=self.arguments,
            status=JobStatus.QUEUED,
            attempts=0,
            enqueued_at=at,
            retried_from_id=self.id,
            updated_at=at,
        )
        run.record(
            JobRetried(job_run_id=run.id, retried_from_id=self.id, job_name=self.name),
            at=at,
        )
        return run

    def cancel(self, *, at: datetime) -> None:
        """Do not run, or stop. Raises `InvalidState` for what is over.

        What waits is cancelled at once; what runs is stopped by its worker, which then says so.
        """
        if self.status not in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING}:
            raise InvalidState(
                f"The job is {self.status.value}; there is nothing left to cancel.", field=["id"]
            )
        if self.is_cancel_requested:
            return
        self.is_cancel_requested = True
        if self.status is not JobStatus.RUNNING:
            self.status = JobStatus.CANCELLED
            self.finished_at = at
        self.record(JobCancelled(job_run_id=self.id, job_name=self.name), at=at)
