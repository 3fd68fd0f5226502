"""A message's status, edits and reactions end the same in whatever order they come."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.crm.content import TextContent
from domain.crm.message import Ack, Message, MessageDirection, MessageOrigin, MessageStatus, visible_reactions
from domain.errors import InvalidState
from domain.ids import ChannelId, ChatId, ContactId, ProjectId, TenantId, new_id
from tests.factories import NOON

PEOPLE = [ContactId(new_id()) for _ in range(2)]
IDS = {
    "tenant_id": TenantId(new_id()),
    "project_id": ProjectId(new_id()),
    "channel_id": ChannelId(new_id()),
    "chat_id": ChatId(new_id()),
}


def a_message(direction: MessageDirection = MessageDirection.OUTBOUND) -> Message:
    return Message.receive(
        **IDS,
        contact_id=None,
        session_id=None,
        direction=direction,
        origin=MessageOrigin.PHONE,
        content=TextContent(text="first"),
        external_id="AAA1",
        sent_at=NOON,
        at=NOON,
    )


def a_queued_message() -> Message:
    return Message.compose(
        **IDS,
        contact_id=None,
        session_id=None,
        agent_id=None,
        origin=MessageOrigin.API,
        content=TextContent(text="first"),
        client_message_id=None,
        reply_to_external_id=None,
        at=NOON,
    )


def state(message: Message) -> tuple[object, ...]:
    return (
        message.status,
        message.delivered_at,
        message.read_at,
        message.played_at,
        message.text,
        message.edited_at,
        message.revoked_at,
        message.reactions,
    )


seconds = st.integers(0, 50)
facts = st.one_of(
    st.tuples(st.just("ack"), st.sampled_from([ack for ack in Ack if ack is not Ack.ERROR]), seconds),
    st.tuples(st.just("edit"), st.sampled_from(["a", "b", None]), seconds),
    st.tuples(st.just("revoke"), st.none(), seconds),
    st.tuples(
        st.just("react"),
        st.tuples(st.sampled_from([*PEOPLE, None]), st.sampled_from("👍😂") | st.just("")),
        seconds,
    ),
)


def apply(message: Message, fact: tuple[object, ...]) -> None:
    kind, value, after = fact
    moment = NOON + timedelta(seconds=after)
    if kind == "ack":
        message.acknowledge(value, acked_at=moment, at=NOON)
    elif kind == "edit":
        message.edit(value, edited_at=moment, at=NOON)
    elif kind == "revoke":
        message.revoke(revoked_at=moment, at=NOON)
    else:
        person, emoji = value
        message.react(person, emoji, reacted_at=moment, at=NOON)


@given(st.lists(facts, max_size=12), st.randoms(use_true_random=False), st.sampled_from(MessageDirection))
def test_facts_end_in_one_state_in_any_order_and_number(
    said: list[tuple[object, ...]], dice: random.Random, direction: MessageDirection
) -> None:
    once, shuffled = a_message(direction), a_message(direction)
    again = said * 2
    dice.shuffle(again)

    for fact in said:
        apply(once, fact)
    for fact in again:
        apply(shuffled, fact)

    assert state(shuffled) == state(once)


@given(st.lists(st.sampled_from(Ack), max_size=10))
def test_acks_never_lower_the_status(acks: list[Ack]) -> None:
    message = a_message()
    ranks = [message.status.rank]

    for ack in acks:
        message.acknowledge(ack, acked_at=NOON, at=NOON)
        ranks.append(message.status.rank)

    assert ranks == sorted(ranks)


def test_reading_implies_delivery() -> None:
    message = a_message()

    message.acknowledge(Ack.READ, acked_at=NOON, at=NOON)

    assert (message.status, message.delivered_at, message.read_at) == (MessageStatus.READ, NOON, NOON)


def test_an_error_fails_what_was_not_sent_and_a_later_ack_repairs_it() -> None:
    message = a_queued_message()
    message.begin_sending(None, at=NOON)

    message.acknowledge(Ack.ERROR, acked_at=NOON, at=NOON)
    assert message.status is MessageStatus.FAILED
    message.acknowledge(Ack.SERVER, acked_at=NOON, at=NOON)

    assert (message.status, message.failure_reason, message.failed_at) == (MessageStatus.SENT, None, None)


def test_a_cancelled_message_stays_cancelled() -> None:
    message = a_queued_message()
    message.cancel(at=NOON)

    message.acknowledge(Ack.READ, acked_at=NOON, at=NOON)
    assert message.status is MessageStatus.CANCELLED
    with pytest.raises(InvalidState):
        message.begin_sending(None, at=NOON)


def test_a_withdrawn_reaction_is_not_shown() -> None:
    message = a_message()

    message.react(PEOPLE[0], "👍", reacted_at=NOON, at=NOON)
    message.react(PEOPLE[0], "", reacted_at=NOON + timedelta(seconds=1), at=NOON)

    assert visible_reactions(message) == ()


def test_each_change_records_one_event() -> None:
    message = a_queued_message()
    message.begin_sending("AAA1", at=NOON)
    message.confirm("AAA1", sent_at=NOON, at=NOON)
    message.confirm("AAA1", sent_at=NOON, at=NOON)
    message.acknowledge(Ack.DEVICE, acked_at=NOON, at=NOON)
    message.acknowledge(Ack.DEVICE, acked_at=NOON, at=NOON)

    assert [event.name for event in message.take_events()] == [
        "message.created",
        "message.sending",
        "message.sent",
        "message.delivered",
    ]
    assert message.take_events() == ()
