"""Being told to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(KeyboardInterrupt):
    """Ctrl-C, SIGTERM, or the terminal was closed. Like its parent it is no `Exception`: nothing eats it."""


@contextmanager
def stop_requests() -> Iterator[None]:
    """Raise `StopRequested` in the main thread for each request to stop, wherever that may be."""

    def request(_number: int, _frame: FrameType | None) -> None:
        raise StopRequested

    before = {number: signal.getsignal(number) for number in _REQUESTS}
    # `nohup` asks us to outlive the terminal. A shell, however, starts whatever runs in the background
    # with SIGINT ignored; whoever sends us that means it.
    wanted = [n for n in _REQUESTS if n != signal.SIGHUP or before[n] is not signal.SIG_IGN]
    for number in wanted:
        signal.signal(number, request)
    try:
        yield
    finally:
        for number in wanted:
            signal.signal(number, before[number])


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore requests to stop while stopping; the caller promises to be quick."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _REQUESTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
