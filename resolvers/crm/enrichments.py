"""Answers about what files say."""

from collections.abc import Awaitable

from domain.crm.enrichment import Enrichment
from domain.crm.message import Message
from domain.ids import EnrichmentId
from resolvers.context import Context
from resolvers.ids import private
from services.crm import enrichments as service


async def one(context: Context, *, id: str) -> Enrichment | None:  # noqa: A002 The API's word.
    """Return the enrichment with that id, or None."""
    key = private(EnrichmentId, id)
    return (await context.read(service.find, ids=[key])).get(key)


def of_message(message: Message, context: Context) -> Awaitable[list[Enrichment]]:
    """Return what is found out about a message's file."""
    return context.loaders.enrichments_of.load(message.id)


async def retry(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Enrichment:
    """Try again what failed or was skipped."""
    return await context.write(
        service.retry, enrichment_id=private(EnrichmentId, id), expected_version=expected_version
    )
