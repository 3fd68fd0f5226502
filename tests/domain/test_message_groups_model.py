"""Bursts against a naive model of their rules, over very many random schedules and by stateful search.

The model knows nothing of the code: it is the table of docs/domain/message-group.md, in milliseconds and lists.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing import get_context
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.crm.channel import Channel
from domain.crm.chat import Chat, ChatType
from domain.crm.content import TextContent
from domain.crm.grouping import GroupingRules
from domain.crm.message import Message, MessageDirection, MessageOrigin
from domain.crm.message_group import GroupCancelReason, MessageGroup
from domain.errors import Conflict
from domain.ids import ContactId, ProjectId, TenantId, new_id
from domain.values import Sealed
from services.crm.bursts import parts
from services.crm.inbound_groups import join, leave, step_back, wait_for_typing

SCHEDULES, STEPS, PROCESSES = 100_000, 9, 2
NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
TOKENS = [UUID(int=number) for number in range(1, 4)]
TENANT, PROJECT, CONTACT = TenantId(new_id()), ProjectId(new_id()), ContactId(new_id())
OPEN = ("PENDING", "PROCESSING")


def instant(ms: int) -> datetime:
    return NOON + timedelta(milliseconds=ms)


# -- The model.


@dataclass
class Burst:
    """A group in the model; instants in milliseconds."""

    status: str
    members: list[int]
    opened: int
    first_sent: int
    expires: int
    deadline: int
    due: int | None
    token: int | None = None
    attempts: int = 0
    reason: str | None = None
    text: str | None = None

    def settle(self, status: str, reason: str | None = None) -> None:
        self.status, self.reason, self.token, self.due = status, reason, None, None

    def wait(self, until: int) -> None:
        """Never less long than before, never past the deadline."""
        self.expires = self.due = min(self.deadline, max(self.expires, until))

    def wait_no_longer(self, now: int) -> None:
        self.expires = self.due = min(self.expires, now)
        self.deadline = min(self.deadline, now)


@dataclass
class Model:
    """One chat."""

    window: int = 15_000
    most: int = 50
    longest: int | None = None
    typing: bool = False
    reply_cancels: bool = False
    bursts: list[Burst] = field(default_factory=list)
    sent: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)

    def the(self, status: str) -> Burst | None:
        found = [one for one in self.bursts if one.status == status]
        assert len(found) < 2, status
        return found[0] if found else None

    def say(self, number: int, sent: int, now: int) -> None:
        self.sent[number], self.texts[number] = sent, f"m{number}"
        pending = self.the("PENDING")
        if pending is not None:
            pending.members.append(number)
            pending.first_sent = min(pending.first_sent, sent)
            if len(pending.members) >= self.most:
                pending.wait_no_longer(now)
            else:
                pending.wait(now + self.window)
            return
        longest = self.longest
        if longest is None:
            longest = min(max(60_000, 4 * self.window), 900_000)
        expires = now if self.most == 1 else min(now + self.window, now + longest)
        at_once = self.window == 0 and self.the("PROCESSING") is None
        status = "PROCESSING" if at_once else "PENDING"
        self.bursts.append(Burst(status, [number], now, sent, expires, now + longest, expires))

    def edit(self, number: int) -> None:
        if number in self.texts:
            self.texts[number] += "e"

    def revoke(self, number: int) -> None:
        for burst in self.bursts:
            if burst.status in OPEN and number in burst.members:
                if burst.members == [number]:
                    burst.settle("CANCELLED", "EMPTY")
                else:
                    burst.members.remove(number)
        self.texts.pop(number, None)

    def reply(self, sent: int) -> None:
        for burst in self.bursts:
            began = min(burst.first_sent // 1000 * 1000, burst.opened)
            if self.reply_cancels and burst.status in OPEN and sent >= began:
                burst.settle("CANCELLED", "HUMAN_REPLY")

    def type(self, now: int) -> None:
        pending = self.the("PENDING")
        if self.typing and pending is not None and now < pending.expires:
            pending.wait(now + self.window)

    def flush(self, now: int) -> None:
        if (pending := self.the("PENDING")) is not None:
            pending.wait_no_longer(now)

    def cancel(self, index: int) -> None:
        if self.bursts[index].status in OPEN:
            self.bursts[index].settle("CANCELLED", "REQUESTED")

    def claim(self, index: int, now: int) -> None:
        burst = self.bursts[index]
        if burst.status not in OPEN or burst.due is None or burst.due > now:
            return
        if burst.status == "PENDING" and self.the("PROCESSING") is not None:
            return
        burst.status, burst.token, burst.due = "PROCESSING", None, now + 10_000

    def take(self, index: int, token: int, now: int) -> None:
        burst = self.bursts[index]
        if burst.status != "PROCESSING":
            return
        if burst.token is not None and burst.due is not None and now < burst.due:
            return
        if burst.attempts == 3:
            burst.settle("FAILED")
            return
        burst.token, burst.attempts, burst.due = token, burst.attempts + 1, now + 60_000
        order = sorted(burst.members, key=lambda one: (self.sent[one], one))
        burst.text = " ".join(self.texts[one] for one in order)

    def finish(self, index: int, token: int, how: str, now: int) -> None:
        burst = self.bursts[index]
        if burst.status != "PROCESSING" or burst.token != token:
            return
        if how == "complete":
            burst.settle("COMPLETED")
        elif how == "hold":
            burst.due = now + 60_000
        elif burst.attempts == 3:
            burst.settle("FAILED")
        else:
            burst.token, burst.due = None, now + 2_000


# -- The code, driven the same way.


def a_channel() -> Channel:
    return Channel.create(
        tenant_id=TENANT,
        project_id=PROJECT,
        name="WhatsApp",
        waha_url="http://waha.test",
        waha_session="loja",
        waha_api_key=None,
        webhook_token="token",
        webhook_hmac_key=Sealed(b""),
        at=NOON,
    )


CHANNEL = a_channel()
CHAT = Chat.open(
    tenant_id=TENANT,
    project_id=PROJECT,
    channel_id=CHANNEL.id,
    type=ChatType.INDIVIDUAL,
    external_id="5511999990001@c.us",
    contact_id=CONTACT,
    at=NOON,
)


@dataclass
class Code:
    """One chat, as lanes, timer and workers drive it."""

    groups: list[MessageGroup] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    began: list[tuple[int, MessageGroup]] = field(default_factory=list)

    def configure(self, model: Model) -> None:
        CHANNEL.debounce_timeout_ms = model.window
        CHANNEL.grouping = GroupingRules(
            max_messages=model.most,
            max_duration_ms=model.longest,
            is_extended_by_typing=model.typing,
            is_cancelled_by_reply=model.reply_cancels,
        )

    @property
    def open(self) -> list[MessageGroup]:
        """What the lanes load."""
        return [group for group in self.groups if not group.is_settled]

    def say(self, number: int, sent: int, now: int) -> None:
        message = Message.receive(
            tenant_id=TENANT,
            project_id=PROJECT,
            channel_id=CHANNEL.id,
            chat_id=CHAT.id,
            contact_id=CONTACT,
            session_id=None,
            direction=MessageDirection.INBOUND,
            origin=MessageOrigin.LIVE,
            content=TextContent(text=f"m{number}"),
            external_id=str(number),
            sent_at=instant(sent),
            at=instant(now),
        )
        self.messages[number] = message
        if (begun := join(CHANNEL, CHAT, self.open, message, at=instant(now))) is not None:
            self.groups.append(begun)

    def edit(self, number: int, now: int) -> None:
        if (message := self.messages.get(number)) is not None:
            text = f"{message.text}e"
            message.edit(text, edited_at=instant(now) + timedelta(microseconds=len(text)), at=instant(now))

    def revoke(self, number: int, now: int) -> None:
        if (message := self.messages.get(number)) is not None:
            message.revoke(revoked_at=instant(now), at=instant(now))
            leave(self.open, message, at=instant(now))

    def reply(self, sent: int, now: int) -> None:
        step_back(CHANNEL, CHAT, self.open, sent_at=instant(sent), at=instant(now))

    def type(self, now: int) -> None:
        wait_for_typing(CHANNEL, self.open, at=instant(now))

    def flush(self, now: int) -> None:
        for group in self.groups:
            if group.is_pending:
                group.flush(at=instant(now))

    def cancel(self, index: int, now: int) -> None:
        if not self.groups[index].is_settled:
            self.groups[index].cancel(GroupCancelReason.REQUESTED, at=instant(now))

    def claim(self, index: int, now: int) -> None:
        """What `persistence.crm.message_groups.claim` does to a row; its SQL is tested on PostgreSQL."""
        group, at = self.groups[index], instant(now)
        if group.due_at is None or group.due_at > at:
            return
        if group.is_pending:
            if len(self.open) == 1 or all(one.is_pending for one in self.open):
                group.begin(at=at)
        else:
            group.hand_out(at=at)

    def take(self, index: int, token: int, now: int) -> None:
        group = self.groups[index]
        if group.take(TOKENS[token], at=instant(now)):
            said = parts((self.messages[self.number(one)] for one in group.message_ids), {})
            group.read(said, at=instant(now))

    def finish(self, index: int, token: int, how: str, now: int) -> None:
        group, at, held = self.groups[index], instant(now), TOKENS[token]
        try:
            if how == "complete":
                group.complete(held, at=at)
            elif how == "hold":
                group.hold(held, at=at)
            else:
                group.retry_later(held, error="x", until=at + timedelta(seconds=2), at=at)
        except Conflict:
            pass

    def number(self, id_: UUID) -> int:
        return next(number for number, message in self.messages.items() if message.id == id_)


# -- Both, side by side.


class Pair:
    """The model and the code after the same steps."""

    def __init__(self) -> None:
        self.model, self.code, self.now, self.said = Model(), Code(), 0, 0
        self.expires: list[int] = []
        self.code.configure(self.model)

    def configure(self, window: int, most: int, longest: int | None, typing: bool, cancels: bool) -> None:
        model = self.model
        model.window, model.most, model.longest = window, most, longest
        model.typing, model.reply_cancels = typing, cancels
        self.code.configure(model)

    def say(self, delay: int) -> None:
        self.said += 1
        self.model.say(self.said, self.now - delay, self.now)
        self.code.say(self.said, self.now - delay, self.now)
        self.compare(may_shorten=True)

    def edit(self, back: int) -> None:
        self.model.edit(self.said - back)
        self.code.edit(self.said - back, self.now)

    def revoke(self, back: int) -> None:
        self.model.revoke(self.said - back)
        self.code.revoke(self.said - back, self.now)
        self.compare()

    def reply(self, delay: int) -> None:
        self.model.reply(self.now - delay)
        self.code.reply(self.now - delay, self.now)
        self.compare()

    def type(self) -> None:
        self.model.type(self.now)
        self.code.type(self.now)
        self.compare()

    def flush(self) -> None:
        self.model.flush(self.now)
        self.code.flush(self.now)
        self.compare(may_shorten=True)

    def cancel(self, back: int) -> None:
        if back < len(self.model.bursts):
            self.model.cancel(-1 - back)
            self.code.cancel(-1 - back, self.now)
            self.compare()

    def claim(self, times: int = 1) -> None:
        for index in [*range(len(self.model.bursts))] * times:
            self.model.claim(index, self.now)
            self.code.claim(index, self.now)
        self.compare()

    def take(self, token: int) -> None:
        for index in range(len(self.model.bursts)):
            self.model.take(index, token, self.now)
            self.code.take(index, token, self.now)
        self.compare()

    def finish(self, token: int, how: str) -> None:
        for index in range(len(self.model.bursts)):
            self.model.finish(index, token, how, self.now)
            self.code.finish(index, token, how, self.now)
        self.compare()

    def drain(self, *, workers_die: bool = False) -> None:
        """Let time pass until nothing is left to do; then every message is in exactly one group."""
        for _ in range(40):
            if not self.code.open:
                break
            self.now += 901_000
            self.claim()
            self.take(0)
            if not workers_die:
                self.finish(0, "complete")
        assert self.code.open == []
        ids = [id_ for group in self.code.groups for id_ in group.message_ids]
        assert len(ids) == len(set(ids))
        kept = {message.id for message in self.code.messages.values() if message.revoked_at is None}
        assert kept <= set(ids)
        assert all(m.group_id in {g.id for g in self.code.groups} for m in self.code.messages.values())
        flushed = [group for group in self.code.groups if group.flushed_at is not None]
        for earlier, later in pairwise(flushed):
            assert earlier.settled_at is not None
            assert later.flushed_at is not None
            assert earlier.settled_at <= later.flushed_at

    def compare(self, *, may_shorten: bool = False) -> None:
        model, code = self.model.bursts, self.code.groups
        assert len(model) == len(code)
        first = self.code.messages
        pending = processing = 0
        for index, (burst, group) in enumerate(zip(model, code, strict=True)):
            assert burst.status == group.status.value
            if burst.status == "PENDING":
                pending += 1
            elif burst.status == "PROCESSING":
                processing += 1
            elif index < len(code) - 2:
                continue
            expires = burst.expires
            assert instant(expires) == group.expires_at
            assert instant(burst.deadline) == group.deadline_at
            assert group.due_at == (None if burst.due is None else instant(burst.due))
            assert (
                tuple(first[one].id for one in burst.members) == group.message_ids or burst.reason == "EMPTY"
            )
            assert (burst.attempts, burst.text) == (group.attempts, group.text)
            assert burst.reason == (None if group.cancel_reason is None else group.cancel_reason.value)
            assert group.expires_at <= group.deadline_at
            if index < len(self.expires):
                assert may_shorten or expires >= self.expires[index]
                self.expires[index] = expires
            else:
                self.expires.append(expires)
        assert pending <= 1
        assert processing <= 1


Step = Callable[[Pair, random.Random], None]
WINDOWS, MOST, LONGEST = (0, 1_000, 15_000, 300_000), (1, 2, 3, 50), (None, None, 1_000, 20_000)
PAUSES = (1, 200, 999, 5_000, 15_000, 15_001, 60_000, 61_000)


def _configure(pair: Pair, dice: random.Random) -> None:
    pair.configure(
        WINDOWS[int(dice.random() * 4)],
        MOST[int(dice.random() * 4)],
        LONGEST[int(dice.random() * 4)],
        dice.random() < 0.5,
        dice.random() < 0.5,
    )


def _pause(pair: Pair, dice: random.Random) -> None:
    pair.now += PAUSES[int(dice.random() * len(PAUSES))]


STEPS_BY_WEIGHT: list[tuple[int, Step]] = [
    (30, lambda pair, dice: pair.say(int(dice.random() * 3) * 700)),
    (18, _pause),
    (14, lambda pair, dice: pair.claim(1 + (dice.random() < 0.2))),
    (9, lambda pair, dice: pair.take(int(dice.random() * 3))),
    (9, lambda pair, dice: pair.finish(int(dice.random() * 3), "complete")),
    (3, lambda pair, dice: pair.finish(int(dice.random() * 3), "retry")),
    (2, lambda pair, dice: pair.finish(int(dice.random() * 3), "hold")),
    (4, lambda pair, dice: pair.edit(int(dice.random() * 3))),
    (5, lambda pair, dice: pair.revoke(int(dice.random() * 3))),
    (5, lambda pair, dice: pair.reply(int(dice.random() * 3) * 4_000)),
    (3, lambda pair, dice: pair.type()),
    (2, lambda pair, dice: pair.flush()),
    (2, lambda pair, dice: pair.cancel(int(dice.random() * 2))),
    (4, _configure),
]


def schedules(seed: int, count: int) -> Iterator[tuple[list[Step], random.Random]]:
    """Yield random schedules."""
    dice = random.Random(seed)
    weights = [weight for weight, _ in STEPS_BY_WEIGHT]
    steps = [step for _, step in STEPS_BY_WEIGHT]
    for _ in range(count):
        yield dice.choices(steps, weights, k=STEPS), dice


def follow(seed: int) -> dict[str, int]:
    """Follow a share of the schedules; return how often groups came to which end."""
    seen: dict[str, int] = {}
    for steps, dice in schedules(seed, SCHEDULES // PROCESSES):
        pair = Pair()
        if dice.random() < 0.7:
            _configure(pair, dice)
        pair.say(0)
        for step in steps:
            step(pair, dice)
        pair.drain(workers_die=dice.random() < 0.1)
        for burst in pair.model.bursts:
            how = burst.reason or burst.status
            seen[how] = seen.get(how, 0) + 1
    return seen


@pytest.mark.timeout(300)
def test_a_hundred_thousand_random_schedules_end_as_the_rules_say() -> None:
    # In processes of their own the domain is not mapped to tables, which is three times as fast.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        seen = list(pool.map(follow, range(PROCESSES)))

    # The schedules come to every end there is.
    for ends in seen:
        assert set(ends) == {"COMPLETED", "FAILED", "EMPTY", "HUMAN_REPLY", "REQUESTED"}
        assert sum(ends.values()) > SCHEDULES // PROCESSES


class Bursts(RuleBasedStateMachine):
    """The same steps, chosen and shrunk by hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    @rule(delay=st.integers(0, 5_000))
    def say(self, delay: int) -> None:
        self.pair.say(delay)

    @rule(ms=st.integers(0, 70_000))
    def pause(self, ms: int) -> None:
        self.pair.now += ms

    @rule(times=st.integers(1, 2))
    def claim(self, times: int) -> None:
        self.pair.claim(times)

    @rule(token=st.integers(0, 2))
    def take(self, token: int) -> None:
        self.pair.take(token)

    @rule(token=st.integers(0, 2), how=st.sampled_from(["complete", "retry", "hold"]))
    def finish(self, token: int, how: str) -> None:
        self.pair.finish(token, how)

    @rule(back=st.integers(0, 3))
    def edit(self, back: int) -> None:
        self.pair.edit(back)

    @rule(back=st.integers(0, 3))
    def revoke(self, back: int) -> None:
        self.pair.revoke(back)

    @rule(delay=st.integers(0, 20_000))
    def reply(self, delay: int) -> None:
        self.pair.reply(delay)

    @rule()
    def type(self) -> None:
        self.pair.type()

    @rule()
    def flush(self) -> None:
        self.pair.flush()

    @rule(back=st.integers(0, 2))
    def cancel(self, back: int) -> None:
        self.pair.cancel(back)

    @rule(
        window=st.integers(0, 300_000),
        most=st.integers(1, 5),
        longest=st.none() | st.integers(1_000, 900_000),
        typing=st.booleans(),
        cancels=st.booleans(),
    )
    def configure(self, window: int, most: int, longest: int | None, typing: bool, cancels: bool) -> None:
        self.pair.configure(window, most, longest, typing, cancels)

    @invariant()
    def is_alike(self) -> None:
        self.pair.code.configure(self.pair.model)

    def teardown(self) -> None:
        self.pair.drain()


TestBursts = Bursts.TestCase
TestBursts.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
