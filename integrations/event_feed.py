"""Publishes the event log on Redis, one channel per tenant, for whoever follows it live."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from integrations.redis_channels import connect
from persistence.event_log import LoggedEvent

_ANSWER_SECONDS = 2.0


class RedisFeed:
    """The sink behind subscriptions. What Redis loses, followers find in the log by the gap in `prev`."""

    name = "redis_feed"

    def __init__(self, redis_url: str) -> None:
        self._client = connect(redis_url, timeout=_ANSWER_SECONDS)

    async def deliver(self, events: Sequence[LoggedEvent]) -> None:
        """Publish the events in one round trip. Raises redis errors while Redis is away."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for event in events:
                pipeline.publish(event_channel(event.tenant_id), msgspec.json.encode(event))
            await pipeline.execute()

    async def close(self) -> None:
        """Disconnect."""
        await self._client.aclose()


def event_channel(tenant_id: UUID) -> str:
    """Return the channel of a tenant's events."""
    return f"ev:{tenant_id}"
