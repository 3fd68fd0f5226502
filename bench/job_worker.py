"""A worker of jobs as a process: ours, or arq's own with a poll; tells what ran when it is asked."""

import asyncio
import contextlib
import json
import logging
import sys
import time
from typing import Any

import uvloop
from arq.worker import Worker, func

from integrations.job_codec import decode, encode
from integrations.redis_feed import listening
from jobs.fast_worker import FastWorker, arq_redis

PLACES = 100
FAST = "fast"

_ran: list[tuple[int, float]] = []


# Any: what arq passes.
async def _note(_ctx: dict[Any, Any], number: int, left_at: float, **_meta: Any) -> None:
    # The monotonic clock is one for all processes of a machine.
    _ran.append((number, time.monotonic() - left_at))


async def main(redis_url: str, queue: str, kind: str) -> None:
    """Work until the input ends; answer each line with what ran since the last."""
    logging.disable(logging.CRITICAL)
    redis, function = arq_redis(redis_url), func(_note, name="note", keep_result=0)
    async with contextlib.AsyncExitStack() as stack:
        worker: Worker
        if kind == FAST:
            wakes = await stack.enter_async_context(listening(redis_url, [queue]))
            worker = FastWorker(
                [function], redis=redis, queue_name=queue, wakes=wakes, max_jobs=PLACES, grace_seconds=0
            )
        else:
            worker = Worker(
                [function],
                redis_pool=redis,
                queue_name=queue,
                handle_signals=False,
                poll_delay=float(kind),
                max_jobs=PLACES,
                keep_result=0,
                job_serializer=encode,
                job_deserializer=decode,
                log_results=False,
            )
        task = asyncio.create_task(worker.async_run())
        await asyncio.sleep(0.2)
        _say("ready")
        while await asyncio.to_thread(sys.stdin.readline):
            _say(json.dumps(_ran))
            _ran.clear()
        task.cancel()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
