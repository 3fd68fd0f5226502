"""The circuit breaker, against a plain description of what it does."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from integrations.ai.breaker import Breaker
from integrations.errors import Unavailable

FAILURES, WINDOW, PAUSE = 3, 10.0, 5.0


class Seconds:
    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


def made() -> tuple[Breaker, Seconds]:
    now = Seconds()
    return Breaker(failures=FAILURES, window=WINDOW, pause=PAUSE, now=now), now


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.leave(breaker.enter(), is_well=False)


def is_open(breaker: Breaker) -> bool:
    try:
        breaker.check()
    except Unavailable:
        return True
    return False


def test_repeated_failures_open_it_and_say_when_to_come_back() -> None:
    breaker, now = made()
    fail(breaker, FAILURES)
    now.passed += 1.0

    with pytest.raises(Unavailable) as caught:
        breaker.enter()

    assert (caught.value.code, caught.value.retry_after) == ("BREAKER_OPEN", 4.0)


def test_failures_long_ago_are_forgotten() -> None:
    breaker, now = made()
    fail(breaker, FAILURES - 1)
    now.passed += WINDOW

    fail(breaker)

    assert not is_open(breaker)


def test_failures_among_more_successes_leave_it_closed() -> None:
    breaker, _ = made()
    for _ in range(FAILURES + 1):
        breaker.leave(breaker.enter(), is_well=True)

    fail(breaker, FAILURES)

    assert not is_open(breaker)
    fail(breaker)
    assert is_open(breaker)


def test_after_the_pause_one_call_tries_and_others_wait() -> None:
    breaker, now = made()
    fail(breaker, FAILURES)
    now.passed += PAUSE

    probe = breaker.enter()

    with pytest.raises(Unavailable):
        breaker.enter()
    breaker.leave(probe, is_well=True)
    assert not is_open(breaker)


def test_a_failed_try_opens_it_again_and_a_cancelled_one_leaves_room_for_the_next() -> None:
    breaker, now = made()
    fail(breaker, FAILURES)
    now.passed += PAUSE

    breaker.leave(breaker.enter(), is_well=None)
    fail(breaker)

    assert is_open(breaker)
    now.passed += PAUSE
    assert not is_open(breaker)


def test_a_call_from_before_it_opened_does_not_close_it() -> None:
    breaker, now = made()
    early = breaker.enter()
    fail(breaker, FAILURES)
    now.passed += PAUSE
    probe = breaker.enter()

    breaker.leave(early, is_well=True)

    with pytest.raises(Unavailable):
        breaker.enter()
    breaker.leave(probe, is_well=True)
    assert not is_open(breaker)


class Described(RuleBasedStateMachine):
    """Any order of calls, ends and pauses; the model keeps every end that counts and reasons from these."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = made()
        self.open_until: float | None = None
        self.ends: list[tuple[float, bool]] = []
        self.calls: list[tuple[int, int]] = []
        self.turns = 0
        self.probe: int | None = None
        self.count = 0

    @property
    def is_refusing(self) -> bool:
        return self.open_until is not None and (self.now.passed < self.open_until or self.probe is not None)

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 5.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now.passed += seconds

    @precondition(lambda self: not self.is_refusing)
    @rule()
    def call(self) -> None:
        era = self.breaker.enter()
        self.count += 1
        self.calls.append((self.count, era))
        if self.open_until is not None:
            self.probe = self.count

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), is_well=st.sampled_from([True, False, None]))
    def end(self, data: st.DataObject, is_well: bool | None) -> None:
        call = data.draw(st.sampled_from(self.calls))
        self.calls.remove(call)
        number, era = call
        self.breaker.leave(era, is_well=is_well)
        if number == self.probe:
            self.probe = None
            if is_well is True:
                self.turn(None)
            elif is_well is False:
                self.turn(self.now.passed + PAUSE)
        elif era == self.turns and self.open_until is None and is_well is not None:
            self.ends.append((self.now.passed, is_well))
            recent = [well for at, well in self.ends if at > self.now.passed - WINDOW]
            failed = recent.count(False)
            if not is_well and failed >= FAILURES and failed >= recent.count(True):
                self.turn(self.now.passed + PAUSE)

    def turn(self, open_until: float | None) -> None:
        self.open_until = open_until
        self.ends.clear()
        self.turns += 1

    @invariant()
    def agrees(self) -> None:
        assert is_open(self.breaker) == self.is_refusing


TestDescribed = Described.TestCase
