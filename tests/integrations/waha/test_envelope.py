"""The scalars of a webhook, read before it is stored."""

import contextlib
import json
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.waha import envelope
from integrations.waha.envelope import MalformedPayload
from tests.integrations.waha.payloads import (
    AT,
    GROUP,
    ID,
    MARIA,
    MARIA_LID,
    NOW,
    SECONDS,
    body,
    encoded,
    gows,
    noweb,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.sampled_from(
    [
        "id",
        "timestamp",
        "event",
        "session",
        "me",
        "payload",
        "engine",
        "environment",
        "from",
        "to",
        "fromMe",
        "body",
        "ack",
        "status",
        "reaction",
        "messageId",
        "_data",
        "Info",
        "key",
        "Message",
        "after",
        "before",
        "poll",
        "group",
        "chatId",
        "Chat",
        "SenderAlt",
        "remoteJid",
        "lid",
        "participant",
        "type",
        "editedMessageId",
        "revokedMessageId",
        "statuses",
        "message",
        "contextInfo",
        "imageMessage",
    ]
)
LIKELY = st.recursive(
    JSON
    | st.sampled_from(
        [f"true_{MARIA}_{ID}", f"false_{GROUP}_{ID}_{MARIA_LID}", MARIA, "message", "message.ack"]
    ),
    lambda inner: st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


def read(value: object) -> envelope.Envelope:
    return envelope.read(encoded(value), received_at=NOW)


def test_a_message_tells_all_its_scalars():
    assert read(body("message.any", gows({"conversation": "Oi"}, text="Oi"))) == envelope.Envelope(
        event="message.any",
        session="crm",
        event_key="evt_01k0demo008sydzcp81c9agfs5",
        engine="GOWS",
        occurred_at=AT,
        chat_key=MARIA,
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"message"',
        b"{",
        b"{}",
        b'{"event":""}',
        b'{"event":7}',
        b'{"event":"' + b"x" * 101 + b'"}',
        b'{"event":"message","payload":NaN}',
        b'{"event":"message","payload":-Infinity}',
        b'{"event":"message","session":"\xff"}',
        b'{"event":"message","payload":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"event":"message"} trailing',
    ],
)
def test_what_is_not_an_event_is_malformed(raw):
    with pytest.raises(MalformedPayload):
        envelope.read(raw, received_at=NOW)


def test_half_an_emoji_and_a_nul_do_not_make_a_body_malformed():
    raw = (
        b'{"event":"message","session":"a\\u0000b","payload":{"body":"\\ud83d","from":"5511999990001@c.us"}}'
    )
    read_envelope = envelope.read(raw, received_at=NOW)
    assert (read_envelope.session, read_envelope.chat_key) == ("a\ufffdb", MARIA)
    assert len(read_envelope.event_key) == 64


def test_the_engine_of_older_servers_is_in_the_environment():
    older = body("message", {}, environment={"version": "2025.9.5", "engine": "noweb"})
    del older["engine"]
    assert read(older).engine == "NOWEB"
    assert read({"event": "message"}).engine is None


@pytest.mark.parametrize("told", [None, "", "   ", 7, "x" * 201, "a\u0000b", "a\nb"])
def test_without_a_usable_id_the_key_is_a_digest_of_session_event_and_payload(told):
    one = body("message", {"id": "a"}, id=told, timestamp=1)
    again = body("message", {"id": "a"}, id=told, timestamp=2)
    keys = {read(value).event_key for value in (one, again)}
    others = {
        read(one | {"session": "other"}).event_key,
        read(one | {"event": "message.any"}).event_key,
        read(one | {"payload": {"id": "b"}}).event_key,
    }
    assert len(keys) == 1
    assert {len(key) for key in keys | others} == {64}
    assert len(keys | others) == 4


@pytest.mark.parametrize(
    ("told", "at"),
    [
        (SECONDS, AT),
        (str(SECONDS), AT),
        (SECONDS + 0.5, AT + timedelta(seconds=0.5)),
        (SECONDS * 1000, AT),
        (SECONDS * 1_000_000, AT),
        ({"low": SECONDS, "high": 0, "unsigned": True}, AT),
        (
            {"low": 1589834368, "high": 415, "unsigned": True},
            datetime.fromtimestamp(415 * 2**32 / 1000 + 1589834.368, UTC),
        ),
        ("2026-07-14T00:34:23-03:00", AT),
    ],
)
def test_the_time_of_a_message_is_taken_in_any_unit(told, at):
    assert read(body("message", {"timestamp": told})).occurred_at == at


@pytest.mark.parametrize(
    "told", [None, 0, -5, True, "soon", [], 86_400, NOW.timestamp() + 301, 1e300, "9" * 40]
)
def test_an_absurd_time_gives_way_to_the_envelopes_and_that_to_none(told):
    payload = {"timestamp": told}
    created = AT + timedelta(milliseconds=412)
    assert read(body("message", payload)).occurred_at == created
    assert read(body("message", payload, timestamp=told)).occurred_at is None


def test_a_clock_a_little_ahead_is_believed():
    assert read(body("message", {"timestamp": NOW.timestamp() + 299})).occurred_at == NOW + timedelta(
        seconds=299
    )


def test_an_acknowledgement_has_its_own_time_not_that_of_its_message():
    old = body("message.ack", {"timestamp": SECONDS - 3600, "id": f"true_{MARIA}_{ID}"}, engine="WEBJS")
    assert read(old).occurred_at == AT + timedelta(milliseconds=412)


@pytest.mark.parametrize(
    ("event", "payload", "key"),
    [
        ("session.status", {"name": "crm", "status": "WORKING", "from": MARIA}, "session"),
        ("message", gows(None, chat=MARIA_LID, alternate=MARIA), MARIA),
        ("message", gows(None, chat=MARIA_LID), MARIA_LID),
        ("message.any", gows(None, chat=MARIA_LID, alternate=MARIA, from_me=True), MARIA),
        ("message.any", gows(None, chat=MARIA, alternate=MARIA_LID, from_me=True), MARIA),
        ("message", gows(None, chat=GROUP, author=MARIA_LID, alternate=MARIA), GROUP),
        (
            "message",
            noweb(None, id=f"false_{MARIA_LID}_{ID}", key={"remoteJidAlt": "5511999990001:3@s.whatsapp.net"}),
            MARIA,
        ),
        ("message.ack", {"id": f"true_{MARIA}_{ID}", "from": MARIA, "ack": 3}, MARIA),
        ("message.ack.group", {"id": f"true_{GROUP}_{ID}_{MARIA}", "ack": 3}, GROUP),
        ("message.reaction", {"id": f"false_{MARIA}_{ID}", "reaction": {}}, MARIA),
        ("message.revoked", {"after": gows(None, chat=MARIA_LID, alternate=MARIA), "before": None}, MARIA),
        ("message.revoked", {"after": None, "before": {"id": f"false_{MARIA}_{ID}"}}, MARIA),
        ("message", {"id": ID, "from": "5511999990001:4@s.whatsapp.net", "fromMe": False}, MARIA),
        ("message.any", {"id": ID, "from": "5511999990000@c.us", "to": MARIA, "fromMe": True}, MARIA),
        ("poll.vote", {"poll": {"id": f"true_{MARIA}_{ID}", "from": "me"}, "vote": {"id": "x"}}, MARIA),
        ("presence.update", {"id": MARIA, "presences": []}, MARIA),
        ("call.received", {"id": "ACB0C2B7", "from": MARIA}, MARIA),
        ("group.v2.update", {"group": {"id": GROUP}}, GROUP),
        ("label.chat.added", {"labelId": "10", "chatId": MARIA}, MARIA),
        ("label.upsert", {"id": "10", "name": "Lead"}, "session"),
        ("something.new", {"what": "ever"}, "session"),
        ("message", None, "session"),
    ],
)
def test_events_about_one_conversation_share_a_lane(event, payload, key):
    assert read(body(event, payload)).chat_key == key


@given(st.binary(max_size=300))
def test_bytes_raise_nothing_but_malformed_payload(raw):
    with contextlib.suppress(MalformedPayload):
        envelope.read(raw, received_at=NOW)


@given(JSON | LIKELY)
def test_json_raises_nothing_but_malformed_payload(value):
    with contextlib.suppress(MalformedPayload):
        envelope.read(json.dumps(value).encode(), received_at=NOW)


@given(payload=LIKELY, me=LIKELY, event=st.text(string.ascii_lowercase, min_size=1, max_size=20))
def test_an_object_with_an_event_is_always_read(payload, me, event):
    raw = (
        json.dumps({"event": event, "payload": payload, "me": me})
        .replace("NaN", "0")
        .replace("Infinity", "0")
    )
    found = envelope.read(raw.encode(), received_at=NOW)
    assert found.event == event
    assert 0 < len(found.event_key) <= 200
    assert found.chat_key.isprintable()
