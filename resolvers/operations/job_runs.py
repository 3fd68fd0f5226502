"""Answers about background jobs."""

from collections.abc import Awaitable

from domain.ids import JobRunId
from domain.operations.job_run import JobRun
from persistence.operations.job_runs import job_run_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.operations import job_runs as service
from services.operations.job_runs import QueueTally


async def one(context: Context, *, id: str) -> JobRun | None:  # noqa: A002 The API's word.
    """Return the job run with that id, or None."""
    key = private(JobRunId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[JobRun]:
    """Return a page of the jobs that concern the project."""
    return await connections.browse(
        context, job_run_collection, service.browse, count=service.count, arguments=arguments
    )


async def queues(context: Context) -> list[QueueTally]:
    """Return how the queues do for the viewer's tenant."""
    waiting = await service.waiting(context.installation.jobs, context.viewer)
    return await context.read(service.tally, waiting=waiting)


def retried_from(run: JobRun, context: Context) -> Awaitable[JobRun | None] | None:
    """Return the run that this one repeats."""
    return None if run.retried_from_id is None else context.loaders.job_runs.load(run.retried_from_id)


async def retry(context: Context, *, id: str) -> JobRun:  # noqa: A002 The API's word.
    """Let a job run again; where its queue is away, a sweeper places it later."""
    return await context.write(service.retry, job_run_id=private(JobRunId, id))


async def cancel(context: Context, *, id: str) -> JobRun:  # noqa: A002 The API's word.
    """Keep a job from running, or have it stopped; where its queue is away, a sweeper does so later."""
    run = await context.write(service.cancel, job_run_id=private(JobRunId, id))
    if context.installation.jobs is not None:
        await context.installation.jobs.cancel(run.key)
    return run
