"""Keeps what a worker has claimed while it works on it: the lease is renewed, and passes when the worker dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from domain.errors import Conflict, NotFound
from jobs.cancelling import end
from persistence.outages import heed_cancellation

log = structlog.get_logger()


@asynccontextmanager
async def held(renew: Callable[[], Awaitable[object]], *, every: float, what: str) -> AsyncIterator[None]:
    """Call `renew` every so many seconds while the block runs, until it raises `Conflict` or `NotFound`.

    A renewal that fails otherwise is tried again: without it another worker may begin too, and one of both counts.
    """
    holding = asyncio.create_task(_hold(renew, every, what), name=f"{what}.hold")
    try:
        yield
    finally:
        await end([holding])


async def _hold(renew: Callable[[], Awaitable[object]], seconds: float, what: str) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await renew()
        except (Conflict, NotFound):
            return
        except Exception as error:  # noqa: BLE001 As said above.
            heed_cancellation()
            log.warning("hold.failed", what=what, error=type(error).__name__)
