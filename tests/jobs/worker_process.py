"""A worker of its own process, to be killed: says on its output that a job began, and never ends it."""

import asyncio
import sys
from typing import Any

from arq.worker import func

from jobs.fast_worker import FastWorker, arq_redis


async def _never(_ctx: dict[Any, Any], *_args: Any, **_meta: Any) -> None:
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.sleep(3600)


async def main(url: str, lease_seconds: str) -> None:
    worker = FastWorker(
        [func(_never, name="job")],
        redis=arq_redis(url),
        queue_name="ventros:fast",
        lease_seconds=float(lease_seconds),
    )
    await worker.async_run()


asyncio.run(main(*sys.argv[1:]))
