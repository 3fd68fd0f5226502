"""Answers about pipelines."""

from domain.crm.pipeline import Pipeline
from domain.ids import PipelineId
from persistence.crm.pipelines import pipeline_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.crm import pipelines as service


async def one(context: Context, *, id: str) -> Pipeline | None:  # noqa: A002 The API's word.
    """Return the pipeline with that id, or None."""
    key = private(PipelineId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[Pipeline]:
    """Return a page of the project's pipelines."""
    return await connections.browse(
        context, pipeline_collection, service.browse, count=service.count, arguments=arguments
    )


async def create(context: Context, *, name: str, session_timeout_seconds: int | None = None) -> Pipeline:
    """Set up a pipeline."""
    return await context.write(service.create, name=name, session_timeout_seconds=session_timeout_seconds)
