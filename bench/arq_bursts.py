"""What a burst costs without a timer of its own: stock arq, one deferred job per group, put off by each message.

`python -m bench.arq_bursts DATABASE_URL REDIS_URL` runs a worker of arq with arq's defaults until SIGTERM.
"""

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import Worker, func

from domain.clock import SystemClock
from domain.crm.message_group import MessageGroup
from domain.ids import TenantId
from domain.operations.queue import JobOrder
from jobs import message_groups
from persistence.database import Database

QUEUE = "bench:bursts"
_EARLIER = timedelta(milliseconds=100)


async def defer(redis_url: str, groups: Sequence[MessageGroup]) -> None:
    """Leave a job for each group, and put each off once, as the next message of its burst does."""
    redis = await create_pool(RedisSettings.from_dsn(redis_url), default_queue_name=QUEUE)
    for start in range(0, len(groups), 1000):
        await _defer(redis, groups[start : start + 1000])
    await redis.aclose()


async def _defer(redis: ArqRedis, groups: Sequence[MessageGroup]) -> None:
    for group in groups:
        await redis.enqueue_job(
            "claim",
            str(group.tenant_id),
            str(group.id),
            _job_id=str(group.id),
            _defer_until=group.expires_at - _EARLIER,
        )
    scores = {str(group.id): int(group.expires_at.timestamp() * 1000) + 1 for group in groups}
    await redis.zadd(QUEUE, scores, xx=True, gt=True)


class _Nowhere:
    """Takes no jobs, because the job that claims is the one that would work."""

    async def enqueue(self, *_: object, **__: object) -> int:
        return 0

    async def enqueue_many(self, orders: Sequence[JobOrder]) -> int:
        return 0


# Any: arq hands every job a dictionary of its own.
async def _claim(ctx: dict[Any, Any], tenant_id: str, group_id: str) -> None:
    await message_groups.claim(ctx["database"], TenantId(UUID(tenant_id)), [UUID(group_id)], queue=_Nowhere())


def _main(database_url: str, redis_url: str) -> None:
    database = Database(database_url, clock=SystemClock())

    async def open_database(ctx: dict[Any, Any]) -> None:
        ctx["database"] = await database.__aenter__()

    async def close_database(_: dict[Any, Any]) -> None:
        await database.__aexit__(None, None, None)

    Worker(
        functions=[func(_claim, name="claim", keep_result=0)],
        queue_name=QUEUE,
        redis_settings=RedisSettings.from_dsn(redis_url),
        on_startup=open_database,
        on_shutdown=close_database,
    ).run()


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
