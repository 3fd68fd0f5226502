"""The least a relay must do: take rows out of a table and publish them, without a log and without positions.

`python -m bench.bare_relay POSTGRES REDIS CHANNEL`: for each line on standard input it empties `bench_outbox`.
"""

import asyncio
import sys

import asyncpg
import uvloop
from redis.asyncio import Redis

_TAKE = """
    DELETE FROM bench_outbox WHERE (tenant_id, id) IN
      (SELECT tenant_id, id FROM bench_outbox ORDER BY id LIMIT 500) RETURNING id, payload
"""
_PUBLISH = 200


async def _relay(postgres: str, redis: str, channel: str) -> None:
    connection = await asyncpg.connect(postgres)
    try:
        async with Redis.from_url(redis) as client:
            while await asyncio.to_thread(sys.stdin.readline):
                while rows := await connection.fetch(_TAKE):
                    payloads = [row["payload"] for row in sorted(rows, key=lambda row: row["id"])]
                    for start in range(0, len(payloads), _PUBLISH):
                        async with client.pipeline(transaction=False) as pipeline:
                            for payload in payloads[start : start + _PUBLISH]:
                                pipeline.publish(channel, payload)
                            await pipeline.execute()
    finally:
        await connection.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_relay(*sys.argv[1:4]))
