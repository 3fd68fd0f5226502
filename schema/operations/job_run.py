"""Background jobs as published, for the operators of a tenant."""

from datetime import datetime
from typing import Optional

import strawberry

from domain.ids import JobRunId
from domain.operations import job_run as domain
from domain.operations.job_run import JobStatus
from resolvers.operations import job_runs as resolve
from schema.fields import edge, plain, represents
from schema.relay import Node, id_of
from services.operations.job_runs import QueueTally


@strawberry.type(
    description="One background job with all its attempts. Those that succeed are kept for some days."
)
@represents(domain.JobRun)
class JobRun(Node):
    """A job run."""

    id: strawberry.ID = id_of(JobRunId)
    name: str = plain("What kind of job it is, such as group.name.")
    queue: str = plain("The queue it runs in.")
    subject_id: str | None = plain("The global id of what it works on, for node.")
    status: JobStatus = plain("How far it came.")
    attempts: int = plain("How often it was begun.")
    is_cancel_requested: bool = plain("Whether somebody asked for it not to run, or to stop.")
    enqueued_at: datetime = plain("When it was left for a worker.")
    started_at: datetime | None = plain("When the newest attempt began.")
    finished_at: datetime | None = plain("When it ended for good.")
    wait_ms: int | None = plain("How long the newest attempt was due before it began, in milliseconds.")
    run_ms: int | None = plain("How long the newest attempt took, in milliseconds.")
    error_class: str | None = plain("What the newest attempt that failed ended with, for programs.")
    error_message: str | None = plain("The same for people, where there is something to say.")
    retried_from: Optional["JobRun"] = edge(resolve.retried_from, "The run that somebody repeated with this.")


@strawberry.type(description="How a queue does, as far as the viewer's organisation is concerned.")
@represents(QueueTally)
class Queue:
    """A queue's tally."""

    name: str = plain("The queue: fast, default, media or bulk.")
    waiting: int = plain("How many of its jobs are due and wait for a worker.")
    is_waiting_capped: bool = plain("Whether more may wait than were looked at, because the queue is long.")
    running: int = plain("How many run, as of the last second.")
    oldest_waiting_seconds: float | None = plain(
        "How long the oldest has waited; null where nothing waits or the queue cannot be reached."
    )
    failed_in_last_hour: int = plain("How many failed for good during the last hour.")
