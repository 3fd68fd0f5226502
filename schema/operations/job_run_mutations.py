"""What is said to and by the mutations of jobs."""

import strawberry

from resolvers.operations import job_runs as resolve
from schema.fields import plain
from schema.mutations import mutation, user_errors
from schema.operations.job_run import JobRun
from schema.user_errors import UserError


@strawberry.input(description="Which job to run again.")
class JobRetryInput:
    """Which job to run again."""

    id: strawberry.ID = plain("The job run; it has failed or was cancelled.")


@strawberry.input(description="Which job to cancel.")
class JobCancelInput:
    """Which job to cancel."""

    id: strawberry.ID = plain("The job run; it is not over.")


@strawberry.type(description="What came of running a job again.")
class JobRetryPayload:
    """The answer."""

    job_run: JobRun | None = plain("The new run; retriedFrom is the old one.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of cancelling a job.")
class JobCancelPayload:
    """The answer."""

    job_run: JobRun | None = plain(
        "The run as it is now; one that is running stays so until its worker has stopped it.", default=None
    )
    user_errors: list[UserError] = user_errors()


job_retry = mutation(
    resolve.retry,
    "Runs a job again that failed or was cancelled, as a new run.",
    takes=JobRetryInput,
    gives=JobRetryPayload,
    show=lambda run: {"job_run": run},
)
job_cancel = mutation(
    resolve.cancel,
    "Keeps a job from running, or stops it.",
    takes=JobCancelInput,
    gives=JobCancelPayload,
    show=lambda run: {"job_run": run},
)
