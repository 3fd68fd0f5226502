"""Sessions are the runs of messages that silence separates, in whatever order the messages arrive."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.crm.session import (
    Session,
    SessionEndReason,
    checked_timeout,
    file_message,
    resolve_timeout,
)
from domain.errors import Invalid, InvalidState
from domain.ids import AgentId, ChannelId, ChatId, ContactId, ProjectId, TenantId, new_id
from tests.factories import NOON

TIMEOUT = 1800
LATER = NOON + timedelta(days=30)
IDS = {
    "tenant_id": TenantId(new_id()),
    "project_id": ProjectId(new_id()),
    "channel_id": ChannelId(new_id()),
    "chat_id": ChatId(new_id()),
    "contact_id": ContactId(new_id()),
}


def a_session(at: int = 0) -> Session:
    return Session.start(
        **IDS,
        pipeline_id=None,
        started_at=NOON + timedelta(seconds=at),
        timeout_seconds=TIMEOUT,
        at=LATER,
    )


def filed(moments: list[int]) -> list[tuple[int, int, int, bool]]:
    group: list[Session] = []
    for moment in moments:
        file_message(
            group,
            NOON + timedelta(seconds=moment),
            from_contact=True,
            start=lambda moment=moment: a_session(moment),
            at=LATER,
        )
        group = [session for session in group if session.merged_into_id is None]
    return sorted(
        (
            int((session.started_at - NOON).total_seconds()),
            int((session.last_activity_at - NOON).total_seconds()),
            session.message_count,
            session.is_active,
        )
        for session in group
    )


def islands(moments: list[int]) -> list[tuple[int, int, int, bool]]:
    runs: list[list[int]] = []
    for moment in sorted(moments):
        if runs and moment - runs[-1][-1] <= TIMEOUT:
            runs[-1].append(moment)
        else:
            runs.append([moment])
    return [(run[0], run[-1], len(run), run is runs[-1]) for run in runs]


@given(st.lists(st.integers(0, 20 * TIMEOUT), min_size=1, max_size=25), st.randoms(use_true_random=False))
def test_any_order_makes_the_same_sessions(moments: list[int], dice: random.Random) -> None:
    shuffled = list(moments)
    dice.shuffle(shuffled)

    assert filed(shuffled) == islands(moments)


def test_exactly_the_timeout_does_not_separate() -> None:
    assert filed([0, TIMEOUT]) == [(0, TIMEOUT, 2, True)]
    assert filed([0, TIMEOUT + 1]) == [(0, 0, 1, False), (TIMEOUT + 1, TIMEOUT + 1, 1, True)]


def test_a_session_that_people_ended_takes_no_later_message() -> None:
    session = a_session()
    session.end(SessionEndReason.RESOLVED, at=NOON + timedelta(seconds=60))

    assert session.covers(NOON + timedelta(seconds=30))
    assert not session.covers(NOON + timedelta(seconds=61))


def test_a_session_ends_once() -> None:
    session = a_session()
    session.end(SessionEndReason.MANUAL_CLOSE, at=LATER)

    assert session.ended_at == LATER
    with pytest.raises(InvalidState):
        session.end(SessionEndReason.MANUAL_CLOSE, at=LATER)


def test_a_session_can_be_handed_back_to_an_earlier_agent() -> None:
    session, ana, rui = a_session(), AgentId(new_id()), AgentId(new_id())

    for agent in (ana, rui, ana, ana):
        session.assign(agent, at=LATER)

    assert session.assignee_id == ana
    assert [event.name for event in session.take_events()].count("session.agent_assigned") == 3


@pytest.mark.parametrize(
    ("channel", "pipeline", "project", "expected"),
    [(60, 120, 180, 60), (None, 120, 180, 120), (None, None, 180, 180), (None, None, None, 1800)],
)
def test_the_nearest_timeout_counts(
    channel: int | None, pipeline: int | None, project: int | None, expected: int
) -> None:
    assert resolve_timeout(channel=channel, pipeline=pipeline, project=project) == expected


@pytest.mark.parametrize("seconds", [0, 59, 86_401, -1])
def test_a_timeout_out_of_range_is_refused(seconds: int) -> None:
    with pytest.raises(Invalid, match="must be between 60 and 86400"):
        checked_timeout(seconds, field="sessionTimeoutSeconds")
