"""An enrichment is worked on by one worker at a time, ends once, and is never forgotten while it is open."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.crm.enrichment import (
    GIVE_UP_AFTER,
    LEASE,
    MOST_ATTEMPTS,
    TEXT_LIMIT,
    Enrichment,
    EnrichmentDetails,
    EnrichmentKind,
    EnrichmentResult,
    EnrichmentStatus,
)
from domain.errors import Conflict, DomainError, InvalidState
from domain.ids import ChatId, MediaId, MessageId, ProjectId, TenantId, new_id
from tests.factories import NOON

CHAT = ChatId(new_id())
ONE, OTHER = new_id(), new_id()
RESULT = EnrichmentResult(
    text=" Bom dia ", provider="api.example.org", model="whisper-1", language="pt", cost_microusd=600
)
SECOND = timedelta(seconds=1)


def an_enrichment() -> Enrichment:
    return Enrichment.request(
        tenant_id=TenantId(new_id()),
        project_id=ProjectId(new_id()),
        chat_id=CHAT,
        message_id=MessageId(new_id()),
        media_id=MediaId(new_id()),
        type_=EnrichmentKind.TRANSCRIPTION,
        priority=10,
        at=NOON,
    )


def a_pending() -> Enrichment:
    enrichment = an_enrichment()
    enrichment.file_stored(at=NOON)
    return enrichment


def names(enrichment: Enrichment) -> list[str]:
    return [event.name for event in enrichment.events]


def test_it_waits_for_its_file_and_then_for_a_worker() -> None:
    enrichment = an_enrichment()
    assert (enrichment.status, enrichment.due_at) == (EnrichmentStatus.WAITING, None)
    assert not enrichment.take(ONE, chat_id=CHAT, at=NOON)

    enrichment.file_stored(at=NOON)

    assert (enrichment.status, enrichment.due_at) == (EnrichmentStatus.PENDING, NOON)
    assert names(enrichment) == ["enrichment.requested"]


def test_what_was_found_out_is_kept_and_announced_without_its_text() -> None:
    enrichment = a_pending()
    assert enrichment.take(ONE, chat_id=CHAT, at=NOON)

    enrichment.complete(ONE, RESULT, duration_ms=1200, chat_id=CHAT, at=NOON + SECOND)

    assert (enrichment.status, enrichment.text, enrichment.language) == (
        EnrichmentStatus.COMPLETED,
        "Bom dia",
        "pt",
    )
    assert (enrichment.cost_microusd, enrichment.duration_ms, enrichment.due_at) == (600, 1200, None)
    assert enrichment.settled_at == NOON + SECOND
    assert names(enrichment) == ["enrichment.requested", "enrichment.completed"]
    assert "Bom dia" not in repr(enrichment.events) + repr(enrichment)


def test_only_one_worker_has_it_until_its_lease_ends() -> None:
    enrichment = a_pending()
    enrichment.take(ONE, chat_id=CHAT, at=NOON)
    assert not enrichment.take(OTHER, chat_id=CHAT, at=NOON + LEASE - SECOND)

    enrichment.hold(ONE, at=NOON + LEASE - SECOND)

    assert not enrichment.take(OTHER, chat_id=CHAT, at=NOON + LEASE)
    assert enrichment.take(OTHER, chat_id=CHAT, at=NOON + LEASE * 2)
    with pytest.raises(Conflict):
        enrichment.complete(ONE, RESULT, duration_ms=1, chat_id=CHAT, at=NOON + LEASE * 2)
    assert (enrichment.status, enrichment.attempts) == (EnrichmentStatus.PROCESSING, 2)


def test_workers_that_die_over_it_are_not_replaced_for_ever() -> None:
    enrichment, at = a_pending(), NOON
    for _ in range(MOST_ATTEMPTS):
        assert enrichment.take(new_id(), chat_id=CHAT, at=at)
        at += LEASE

    assert not enrichment.take(new_id(), chat_id=CHAT, at=at)

    assert (enrichment.status, enrichment.error) == (
        EnrichmentStatus.FAILED,
        "6 attempts were interrupted.",
    )
    assert names(enrichment)[-1] == "enrichment.failed"


def test_it_fails_with_the_last_attempt() -> None:
    enrichment, at = a_pending(), NOON
    for attempt in range(1, MOST_ATTEMPTS + 1):
        enrichment.take(ONE, chat_id=CHAT, at=at)
        at += SECOND
        enrichment.retry_later(ONE, error="busy", until=at, was_tried=True, chat_id=CHAT, at=at)
        assert enrichment.is_open is (attempt < MOST_ATTEMPTS)

    assert (enrichment.status, enrichment.error, enrichment.due_at) == (
        EnrichmentStatus.FAILED,
        "busy",
        None,
    )


def test_calls_that_nobody_took_are_no_attempts_for_a_day() -> None:
    enrichment, at = a_pending(), NOON
    pause = timedelta(hours=1)
    times = 0
    while enrichment.is_open:
        enrichment.take(ONE, chat_id=CHAT, at=at)
        enrichment.retry_later(ONE, error="down", until=at + pause, was_tried=False, chat_id=CHAT, at=at)
        at += pause
        times += 1

    assert (times, enrichment.attempts) == (GIVE_UP_AFTER // pause + 1, 0)
    assert enrichment.status is EnrichmentStatus.FAILED


def test_without_a_file_it_fails_while_it_waits_only() -> None:
    waiting, pending = an_enrichment(), a_pending()

    for one in (waiting, pending):
        one.file_lost("There is no file.", chat_id=CHAT, at=NOON)

    assert (waiting.status, waiting.error) == (EnrichmentStatus.FAILED, "There is no file.")
    assert pending.status is EnrichmentStatus.PENDING


def test_what_failed_or_was_skipped_can_start_over_and_nothing_else() -> None:
    skipped = an_enrichment()
    skipped.skip("too large", chat_id=CHAT, at=NOON)
    skipped.skip("again", chat_id=CHAT, at=NOON)
    assert (skipped.status, skipped.error) == (EnrichmentStatus.SKIPPED, "too large")

    skipped.start_over(chat_id=CHAT, at=NOON + GIVE_UP_AFTER)

    assert (skipped.status, skipped.error, skipped.attempts) == (EnrichmentStatus.PENDING, None, 0)
    assert names(skipped) == ["enrichment.requested", "enrichment.skipped", "enrichment.requested"]
    for other in (an_enrichment(), a_pending()):
        with pytest.raises(InvalidState, match="Only a FAILED or SKIPPED"):
            other.start_over(chat_id=CHAT, at=NOON)
    # The day of patience begins anew.
    skipped.take(ONE, chat_id=CHAT, at=skipped.requested_at)
    skipped.retry_later(
        ONE, error="down", until=skipped.requested_at + SECOND, was_tried=False, chat_id=CHAT, at=NOON
    )
    assert skipped.is_open


def test_a_long_text_is_cut_and_says_so() -> None:
    enrichment = a_pending()
    enrichment.take(ONE, chat_id=CHAT, at=NOON)
    result = EnrichmentResult(text="a" * (TEXT_LIMIT + 1), provider="local", model="reader")

    enrichment.complete(ONE, result, duration_ms=1, chat_id=CHAT, at=NOON)

    assert enrichment.text is not None
    assert len(enrichment.text) == TEXT_LIMIT
    assert enrichment.text.endswith("cut: the text goes on]")
    assert enrichment.details == EnrichmentDetails()


VERBS = st.sampled_from(
    ["stored", "lost", "skip", "take", "hold", "complete", "fail", "retry", "untried", "again", "wait"]
)


@given(st.lists(st.tuples(VERBS, st.sampled_from([ONE, OTHER])), max_size=40))
def test_whatever_happens_it_is_due_exactly_when_somebody_must_look_at_it(
    steps: list[tuple[str, UUID]],
) -> None:
    enrichment, at = an_enrichment(), NOON
    for verb, token in steps:
        at += LEASE if verb == "wait" else SECOND
        before = enrichment.status
        try:
            do(enrichment, verb, token, at)
        except DomainError:
            assert enrichment.status is before
        status = enrichment.status
        is_due = status in {EnrichmentStatus.PENDING, EnrichmentStatus.PROCESSING}
        assert (enrichment.due_at is not None) is is_due
        assert (enrichment.token is not None) is (status is EnrichmentStatus.PROCESSING)
        assert (enrichment.settled_at is not None) is (not enrichment.is_open)
        assert 0 <= enrichment.attempts <= MOST_ATTEMPTS
        assert (enrichment.text is not None) is (status is EnrichmentStatus.COMPLETED)
        if before is EnrichmentStatus.COMPLETED:
            assert status is before


def do(enrichment: Enrichment, verb: str, token: UUID, at: datetime) -> None:
    match verb:
        case "stored":
            enrichment.file_stored(at=at)
        case "lost":
            enrichment.file_lost("gone", chat_id=CHAT, at=at)
        case "skip":
            enrichment.skip("no", chat_id=CHAT, at=at)
        case "take":
            enrichment.take(token, chat_id=CHAT, at=at)
        case "hold":
            enrichment.hold(token, at=at)
        case "complete":
            enrichment.complete(token, RESULT, duration_ms=1, chat_id=CHAT, at=at)
        case "fail":
            enrichment.fail(token, error="bad", chat_id=CHAT, at=at)
        case "again":
            enrichment.start_over(chat_id=CHAT, at=at)
        case "retry" | "untried":
            enrichment.retry_later(
                token, error="later", until=at + SECOND, was_tried=verb == "retry", chat_id=CHAT, at=at
            )
        case _:
            pass
