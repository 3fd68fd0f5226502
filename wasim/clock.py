"""Time for the simulator: real seconds for stamps, stretched seconds for waiting."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Wall-clock stamps and waits; `pace` 0 makes every wait a single turn of the event loop."""

    def __init__(self, pace: float) -> None:
        self.pace = pace

    def seconds(self) -> int:
        """Unix time in whole seconds."""
        return int(time.time())

    def millis(self) -> int:
        """Unix time in milliseconds."""
        return time.time_ns() // 1_000_000

    async def wait(self, seconds: float) -> None:
        """Let `seconds` of simulated time pass."""
        await asyncio.sleep(seconds * self.pace)


def iso(seconds: float) -> str:
    """A stamp as Go writes it, in UTC: `2026-07-14T03:34:23Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
