"""A circuit breaker: a provider that keeps failing is left alone for a while, then tried by one call."""

import time
from collections import deque
from collections.abc import Callable

from integrations.errors import Unavailable

_PROBE_SECONDS = 1.0


class Breaker:
    """Stands before one provider in one process.

    Closed, it lets calls through, until within `window` seconds there were `failures` failed ones and these were
    at least half of all. Then it is open for `pause` seconds. After that it is half open: one call at a time may
    try; a success closes it, a failure opens it again. `now` tells seconds that only grow.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        window: float = 30.0,
        pause: float = 20.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures = failures
        self._window = window
        self._pause = pause
        self._now = now
        self._outcomes: deque[tuple[float, bool]] = deque()
        self._open_until: float | None = None
        self._is_probing = False
        self._era = 0

    def check(self) -> None:
        """Raise `Unavailable` when a call would not be let through now."""
        if self._open_until is None:
            return
        wait = self._open_until - self._now()
        if wait > 0 or self._is_probing:
            raise Unavailable(
                "The AI provider failed repeatedly and is left alone for a while.",
                code="BREAKER_OPEN",
                retry_after=max(wait, _PROBE_SECONDS),
            )

    def enter(self) -> int:
        """Let a call through, or raise `Unavailable`. What is returned must be given to `leave`, once."""
        self.check()
        self._is_probing = self._open_until is not None
        return self._era

    def leave(self, era: int, *, is_well: bool | None) -> None:
        """Note how a call ended; None when it says nothing of the provider, such as one that was cancelled.

        Calls that were let through before the breaker opened or closed are no longer listened to.
        """
        if era != self._era:
            return
        if self._open_until is not None:
            self._is_probing = False
            if is_well is not None:
                self._turn(None if is_well else self._now() + self._pause)
        elif is_well is not None:
            self._count(is_well=is_well)

    def _count(self, *, is_well: bool) -> None:
        now = self._now()
        self._outcomes.append((now, is_well))
        while self._outcomes[0][0] <= now - self._window:
            self._outcomes.popleft()
        failed = sum(not one for _, one in self._outcomes)
        if not is_well and failed >= self._failures and failed * 2 >= len(self._outcomes):
            self._turn(now + self._pause)

    def _turn(self, open_until: float | None) -> None:
        self._open_until = open_until
        self._outcomes.clear()
        self._era += 1
