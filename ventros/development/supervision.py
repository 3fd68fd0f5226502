"""Running a stack until somebody or something ends it, and leaving nothing behind."""

from collections.abc import Callable

import asyncpg

from ventros.development.errors import PortTaken, StackFailed
from ventros.development.screen import Screen
from ventros.development.signals import StopRequested, stop_requests, undisturbed
from ventros.development.stack import Stack
from ventros.embedded.errors import EmbeddedServerError
from ventros.settings import SettingsError
from ventros.unusable import DatabaseUnusable

STOPPED, FAILED = 0, 1
"""Exit codes."""

_EXPLAINED = (
    EmbeddedServerError,
    StackFailed,
    PortTaken,
    SettingsError,
    DatabaseUnusable,
    asyncpg.PostgresError,
    OSError,
)
"""Errors whose message tells the user what to do; any other is a fault of ours and shows where."""


def run_until_stopped(stack: Stack, screen: Screen, *, start: Callable[[], None]) -> int:
    """Call `start`, which fills the stack, then watch it. Returns the exit code once everything has ended."""
    with stop_requests():
        try:
            start()
            stack.watch(screen.fall)
        except StopRequested:
            screen.say("\nStopping...")
            return STOPPED
        except _EXPLAINED as error:
            screen.problem(str(error))
            return FAILED
        finally:
            with undisturbed():
                stack.stop()
