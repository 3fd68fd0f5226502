"""Ends tasks for certain, although what they wait for may swallow a cancellation."""

import asyncio
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

_REPEAT_SECONDS = 0.25


async def end(tasks: Iterable["asyncio.Task[T]"]) -> None:
    """Cancel tasks and wait until they have ended, whatever with.

    `asyncio.wait_for` of Python 3.11, which redis-py and arq use, returns normally when it is cancelled in the
    moment its result comes (fixed in 3.12). So whoever does not end is cancelled again.
    """
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_REPEAT_SECONDS)
