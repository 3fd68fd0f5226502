"""How many calls a provider may hold at once, so that a slow one does not hold everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from integrations.errors import Unavailable


class Places:
    """So many calls at a time; who finds no place waits at most `wait` seconds for one, in order of arrival."""

    def __init__(self, count: int, *, wait: float = 10.0) -> None:
        self._free = asyncio.Semaphore(count)
        self._wait = wait
        self.count = count

    @asynccontextmanager
    async def taken(self, *, at_most: float) -> AsyncIterator[None]:
        """Hold a place for as long as the block lasts.

        Raises `Unavailable` when none comes free in time, or within `at_most` seconds if these are fewer.
        """
        try:
            async with asyncio.timeout(min(self._wait, at_most)):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable(
                f"All {self.count} calls allowed at once are under way.", code="BUSY", retry_after=self._wait
            ) from None
        try:
            yield
        finally:
            self._free.release()
