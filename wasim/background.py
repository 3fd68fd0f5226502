"""Tasks that run beside requests and end with the simulator."""

import asyncio
from collections.abc import Coroutine

import structlog

log = structlog.get_logger("wasim")


class Background:
    """Keeps references to running tasks, logs their failures, cancels them at the end."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run `work` until it ends or the simulator does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def wait_closing(self, seconds: float | None) -> None:
        """Sleep for `seconds` (None: for good), but no longer than the simulator lives."""
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return

    async def settle(self) -> None:
        """Wait until no task is left, those included that tasks start meanwhile."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        self.closing.set()
        await self.cancel_all()

    async def cancel_all(self) -> None:
        """Cancel what runs now and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", exc_info=error)
