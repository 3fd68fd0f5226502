"""A scheduled message by itself: when it may be sent, what may be changed, and that it ends once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.crm.content import ContactCardContent, Media, StickerContent, TextContent
from domain.crm.scheduled_message import (
    MOST_ATTEMPTS,
    Author,
    Lateness,
    LatePolicy,
    ScheduledMessage,
    ScheduledMessageStatus,
)
from domain.errors import CapabilityUnsupported, DomainError, Invalid, InvalidState, Required, TooLong
from domain.ids import AgentId, ApiKeyId, ChannelId, ChatId, MessageId, ProjectId, TenantId, new_id

NOON = datetime(2026, 7, 14, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANA = Author(api_key_id=ApiKeyId(new_id()), agent_id=AgentId(new_id()))
RUI = Author(api_key_id=ApiKeyId(new_id()), agent_id=None)
WORDS = TextContent(text="Sua encomenda chegou")
CHAT = ChatId(new_id())
SETTLING = ("message.schedule_sent", "message.schedule_cancelled", "message.schedule_failed")


def scheduled(
    *, send_at: datetime = NOON + HOUR, lateness: Lateness | None = None, **more: object
) -> ScheduledMessage:
    given: dict[str, object] = {"content": WORDS, "client_message_id": None} | more
    return ScheduledMessage.schedule(
        tenant_id=TenantId(new_id()),
        project_id=ProjectId(new_id()),
        channel_id=ChannelId(new_id()),
        chat_id=CHAT,
        to=None,
        reply_to_external_id=None,
        author=ANA,
        send_at=send_at,
        lateness=lateness or Lateness(),
        at=NOON,
        **given,  # type: ignore[arg-type] # As the caller says.
    )


def test_it_is_due_at_its_time_and_not_before() -> None:
    one = scheduled()

    assert (one.status, one.due_at, one.alarm_at) == (
        ScheduledMessageStatus.SCHEDULED,
        NOON + HOUR,
        NOON + HOUR,
    )
    assert not one.is_due(NOON + HOUR - timedelta(microseconds=1))
    assert one.is_due(NOON + HOUR)
    (event,) = one.take_events()
    assert event.name == "message.scheduled"
    assert "encomenda" not in repr(event)


@pytest.mark.parametrize("ahead", [timedelta(seconds=5), timedelta(days=365)])
def test_the_nearest_and_farthest_times_are_taken(ahead: timedelta) -> None:
    assert scheduled(send_at=NOON + ahead).send_at == NOON + ahead


@pytest.mark.parametrize(
    ("given", "error", "field"),
    [
        ({"send_at": NOON + timedelta(seconds=4.999)}, Invalid, ("sendAt",)),
        ({"send_at": NOON - HOUR}, Invalid, ("sendAt",)),
        ({"send_at": NOON + timedelta(days=365, microseconds=1)}, Invalid, ("sendAt",)),
        ({"content": TextContent(text=" ")}, Required, ("content", "text", "text")),
        ({"content": StickerContent(media=Media(url="http://x/y"))}, CapabilityUnsupported, ("content",)),
        ({"client_message_id": "x" * 256}, TooLong, ("clientMessageId",)),
        ({"lateness": Lateness(policy=LatePolicy.SKIP)}, Required, ("expiresAfterSeconds",)),
        ({"lateness": Lateness(expires_after_seconds=60)}, Invalid, ("expiresAfterSeconds",)),
        (
            {"lateness": Lateness(policy=LatePolicy.SKIP, expires_after_seconds=0)},
            Invalid,
            ("expiresAfterSeconds",),
        ),
        (
            {"lateness": Lateness(policy=LatePolicy.SKIP, expires_after_seconds=604_801)},
            Invalid,
            ("expiresAfterSeconds",),
        ),
    ],
)
def test_what_cannot_be_scheduled_is_refused_by_name(
    given: dict[str, object], error: type[DomainError], field: tuple[str, ...]
) -> None:
    with pytest.raises(error) as caught:
        scheduled(**given)  # type: ignore[arg-type] # As the table says.

    assert caught.value.field == field


def test_only_what_is_to_be_skipped_can_be_too_late() -> None:
    patient = scheduled()
    strict = scheduled(lateness=Lateness(policy=LatePolicy.SKIP, expires_after_seconds=60))

    assert not patient.is_too_late(NOON + timedelta(days=400))
    assert not strict.is_too_late(NOON + HOUR + timedelta(seconds=60))
    assert strict.is_too_late(NOON + HOUR + timedelta(seconds=60.001))


def test_whoever_changes_it_answers_for_it_and_it_is_as_good_as_new() -> None:
    one = scheduled()
    one.put_off("ValueError", at=NOON + HOUR)
    one.take_events()
    one.change(send_at=NOON + 3 * HOUR, content=TextContent(text="Chega amanhã"), author=RUI, at=NOON + HOUR)

    assert (one.due_at, one.attempts, one.api_key_id, one.agent_id) == (
        NOON + 3 * HOUR,
        0,
        RUI.api_key_id,
        None,
    )
    (event,) = one.take_events()
    assert (event.name, getattr(event, "changes", None)) == (
        "message.schedule_updated",
        ("send_at", "content"),
    )


def test_a_change_to_what_it_is_changes_nothing() -> None:
    one = scheduled()
    one.take_events()
    one.is_changed = False
    one.change(send_at=NOON + HOUR, content=TextContent(text=WORDS.text), author=RUI, at=NOON)

    assert (one.is_changed, one.take_events(), one.agent_id) == (False, (), ANA.agent_id)


def test_a_change_that_is_refused_changes_nothing() -> None:
    one = scheduled()
    for send_at, content in ((NOON, WORDS), (NOON + 2 * HOUR, ContactCardContent(contacts=()))):
        with pytest.raises(DomainError):
            one.change(send_at=send_at, content=content, author=RUI, at=NOON)

    assert (one.send_at, one.due_at, one.content, one.agent_id) == (
        NOON + HOUR,
        NOON + HOUR,
        WORDS,
        ANA.agent_id,
    )


def test_attempts_that_fail_are_repeated_after_growing_pauses_and_then_given_up() -> None:
    one = scheduled()
    pauses = []
    for _ in range(MOST_ATTEMPTS - 1):
        one.put_off("Conflict", at=NOON)
        assert one.due_at is not None
        pauses.append((one.due_at - NOON).total_seconds())

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert one.send_at == NOON + HOUR
    one.put_off("Conflict", at=NOON)
    assert (one.status, one.due_at, one.failure_reason) == (
        ScheduledMessageStatus.FAILED,
        None,
        "10 attempts failed, the last with Conflict.",
    )


COMMANDS: dict[str, Callable[[ScheduledMessage, datetime], None]] = {
    "change": lambda one, at: one.change(send_at=at + HOUR, content=None, author=RUI, at=at),
    "cancel": lambda one, at: one.cancel(at=at),
    "confirm": lambda one, at: one.confirm(message_id=MessageId(new_id()), chat_id=CHAT, at=at),
    "fail": lambda one, at: one.fail("The chat is closed.", at=at),
    "put_off": lambda one, at: one.put_off("Conflict", at=at),
}


@given(st.lists(st.sampled_from(sorted(COMMANDS)), max_size=15))
def test_it_ends_once_and_then_nothing_happens_to_it(commands: list[str]) -> None:
    one, now = scheduled(), NOON
    for command in commands:
        now += timedelta(minutes=1)
        was_waiting, before = one.is_waiting, vars(one).copy()
        if was_waiting:
            COMMANDS[command](one, now)
        else:
            with pytest.raises(InvalidState):
                COMMANDS[command](one, now)
            assert vars(one) == before
        assert one.is_waiting == (one.due_at is not None) == (one.settled_at is None)
        assert (one.status is ScheduledMessageStatus.SENT) == (one.message_id is not None)
        assert (one.status is ScheduledMessageStatus.FAILED) == (one.failure_reason is not None)
    endings = [event.name for event in one.take_events() if event.name in SETTLING]
    assert len(endings) == (0 if one.is_waiting else 1)
