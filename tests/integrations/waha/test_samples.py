"""Every body of the shared collection means what the table beside this file says."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.crm.inbound import ChannelStateChanged, Ignored, Party, ReceivedMessage, ReceivedTyping
from integrations.waha import envelope, translate
from tests.integrations.waha.payloads import NOW, encoded

TABLE = [json.loads(line) for line in Path(__file__).with_name("samples.jsonl").read_text().splitlines()]


def described(fact: object) -> dict:
    """The fact in the words of the table; what is None is left out."""
    words: dict = {"fact": type(fact).__name__}
    if isinstance(fact, Ignored):
        return words | {"reason": fact.reason}
    if isinstance(fact, ReceivedTyping):
        words |= {"chat": str(fact.chat), "peer": party(fact.peer)}
        return {name: value for name, value in words.items() if value is not None}
    if isinstance(fact, ChannelStateChanged):
        words |= {"state": fact.state.value, "own": party(fact.own), "engine": fact.engine}
    else:
        key = fact.key
        words |= {"chat": str(key.chat), "id": key.external_id, "from_me": key.from_me}
        words |= {"peer": party(key.peer), "author": party(key.author)}
    if isinstance(fact, ReceivedMessage):
        words |= {"kind": fact.content.kind.value, "text": fact.content.text, "from_phone": fact.from_phone}
        words |= {"reply_to": fact.reply_to_external_id}
    for name in ("emoji", "text", "by_me"):
        words |= {name: getattr(fact, name)} if hasattr(fact, name) else {}
    if hasattr(fact, "reactor"):
        words["reactor"] = party(fact.reactor)
    if getattr(fact, "ack", None) is not None:
        words["ack"] = fact.ack.name
    times = ("sent_at", "acked_at", "reacted_at", "edited_at", "revoked_at", "changed_at")
    words["at"] = next(getattr(fact, name) for name in times if hasattr(fact, name)).timestamp()
    return {name: value for name, value in words.items() if value is not None}


def party(person: Party | None) -> str | None:
    if person is None:
        return None
    return " ".join(filter(None, (*map(str, person.addresses), person.push_name)))


@pytest.mark.parametrize("expected", TABLE, ids=lambda row: row["file"].removesuffix(".json"))
def test_a_sample_means_what_the_table_says(expected, shared):
    sample = shared(f"samples/{expected['file']}")
    fact = translate.to_domain(encoded(sample), received_at=NOW)
    assert described(fact) == {name: value for name, value in expected.items() if name != "file"}


def test_every_other_sample_is_kept_for_later(shared):
    handled = {row["file"] for row in TABLE}
    for entry in shared("manifest.json")["webhooks"]:
        if entry["file"] not in handled:
            fact = translate.to_domain(shared(f"samples/{entry['file']}"), received_at=NOW)
            assert fact == Ignored(event=entry["event"], reason="not handled yet")


def test_no_sample_of_a_message_stays_invisible(shared):
    for entry in shared("manifest.json")["webhooks"]:
        if entry["event"] in {"message", "message.any"}:
            fact = translate.to_domain(shared(f"samples/{entry['file']}"), received_at=NOW)
            assert isinstance(fact, ReceivedMessage), entry["file"]


def test_every_sample_has_scalars(shared):
    for entry in shared("manifest.json")["webhooks"]:
        sample = shared(f"samples/{entry['file']}")
        found = envelope.read(encoded(sample), received_at=NOW)
        assert (found.event, found.engine, found.session) == (entry["event"], entry["engine"], "crm-demo")
        assert found.event_key == sample["id"]
        assert found.occurred_at is not None
        assert found.occurred_at > datetime(2026, 7, 14, 3, 30, tzinfo=UTC)


def test_the_twins_of_one_message_name_the_same_person_message_and_lane(shared):
    first, second = (shared(f"samples/message-gows-duplicate_{name}.json") for name in ("1_cus", "2_lid"))
    one, other = (translate.to_domain(sample, received_at=NOW) for sample in (first, second))
    assert isinstance(one, ReceivedMessage)
    assert isinstance(other, ReceivedMessage)
    assert one.key.chat != other.key.chat
    assert set(one.key.peer.addresses) == set(other.key.peer.addresses)
    assert (one.key.external_id, one.key.from_me) == (other.key.external_id, other.key.from_me)
    assert one.content == other.content
    lanes = {envelope.read(encoded(sample), received_at=NOW).chat_key for sample in (first, second)}
    assert lanes == {"5511999990001@c.us"}
