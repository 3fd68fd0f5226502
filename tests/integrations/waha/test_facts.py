"""What is said about messages: acknowledgements, reactions, edits, revocations, and the session's state."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.crm.inbound import ChannelStateChanged, Ignored, Party, SessionState
from domain.crm.message import Ack
from integrations.waha import translate
from integrations.waha.message_id import address
from tests.integrations.waha.payloads import (
    AT,
    GROUP,
    ID,
    JOAO,
    JOAO_LID,
    MARIA,
    MARIA_LID,
    NOW,
    OWN,
    OWN_LID,
    SECONDS,
    body,
    encoded,
    gows,
    noweb,
)

TARGET = "3EB060E38102ED6642EE"
CREATED = AT + timedelta(milliseconds=412)


def fact(event: str, payload: object, **fields: object):
    return translate.to_domain(encoded(body(event, payload, **fields)), received_at=NOW)


def receipt(**fields: object) -> dict:
    return {
        "id": f"true_{MARIA}_{TARGET}",
        "from": MARIA,
        "fromMe": True,
        "ack": 3,
        "ackName": "READ",
        **fields,
    }


@pytest.mark.parametrize("ack", list(Ack))
def test_every_level_is_told_by_number_or_name(ack):
    assert fact("message.ack", receipt(ack=ack.value)).ack is ack
    assert fact("message.ack", receipt(ack=None, ackName=ack.name)).ack is ack


@pytest.mark.parametrize(
    "unknown", [{"ack": None, "ackName": "UNKNOWN"}, {"ack": 9}, {"ack": "x", "ackName": 1}]
)
def test_an_unknown_level_says_nothing(unknown):
    assert fact("message.ack", receipt(**unknown)) == Ignored(event="message.ack", reason="unknown ack")


def test_a_receipt_has_its_own_time_else_the_events():
    assert fact("message.ack", receipt(timestamp=SECONDS - 999)).acked_at == CREATED
    raw = {"Timestamp": "2026-07-14T00:34:23-03:00", "IsFromMe": False, "SenderAlt": MARIA_LID}
    acked = fact("message.ack", receipt(_data=raw))
    assert (acked.acked_at, acked.key.peer.alternate) == (AT, address(MARIA_LID))
    assert fact("message.ack", receipt(), timestamp=None).acked_at == NOW


def test_a_receipt_from_another_of_our_devices_is_about_the_others_message():
    key = fact("message.ack", receipt(id=f"false_{MARIA}_{TARGET}", fromMe=False)).key
    assert (key.from_me, key.external_id) == (False, TARGET)


def test_a_group_receipt_is_about_our_message_and_names_no_author():
    payload = receipt(id=f"true_{GROUP}_{TARGET}_{OWN}", participant=MARIA)
    acked = fact("message.ack.group", payload)
    assert (acked.ack, acked.key.chat, acked.key.author, acked.key.peer) == (
        Ack.READ,
        address(GROUP),
        None,
        None,
    )


def reaction(**fields: object) -> dict:
    payload = gows(
        None, **{key: fields.pop(key) for key in ("chat", "author", "from_me", "alternate") if key in fields}
    )
    return payload | {"reaction": {"text": "👍", "messageId": f"true_{MARIA}_{TARGET}", **fields}}


def test_a_reaction_names_the_message_and_who_reacted():
    reacted = fact("message.reaction", reaction(alternate=MARIA_LID))
    assert (reacted.key.external_id, reacted.key.from_me, reacted.key.chat) == (TARGET, True, address(MARIA))
    assert reacted.reactor == Party(address=address(MARIA), alternate=address(MARIA_LID), push_name="Maria")
    assert (reacted.emoji, reacted.reacted_at) == ("👍", AT)


def test_our_own_reaction_has_no_reactor():
    reacted = fact("message.reaction", reaction(from_me=True, messageId=f"false_{MARIA}_{TARGET}"))
    assert (reacted.reactor, reacted.key.from_me) == (None, False)


def test_a_reaction_in_a_group_is_its_authors_on_anothers_message():
    target = f"false_{GROUP}_{TARGET}_{JOAO_LID}"
    reacted = fact(
        "message.reaction", reaction(chat=GROUP, author=MARIA_LID, alternate=MARIA, messageId=target)
    )
    assert reacted.reactor.addresses == (address(MARIA_LID), address(MARIA))
    assert reacted.key.author == Party(address=address(JOAO_LID))


def test_somebody_unknown_in_a_group_is_not_taken_for_us():
    payload = reaction(chat=GROUP, messageId=f"true_{GROUP}_{TARGET}")
    payload["_data"] = None
    assert fact("message.reaction", payload) == Ignored(event="message.reaction", reason="no reactor")


@pytest.mark.parametrize("emoji", ["", None])
def test_an_empty_emoji_withdraws(emoji):
    assert fact("message.reaction", reaction(text=emoji)).emoji == ""


def test_a_reaction_to_a_bare_id_does_not_tell_the_side():
    key = fact("message.reaction", reaction(messageId=TARGET)).key
    assert (key.external_id, key.from_me) == (TARGET, None)


def edit(**fields: object) -> dict:
    return noweb({"protocolMessage": {"key": {"id": TARGET}}}, text="novo") | {
        "editedMessageId": TARGET,
        **fields,
    }


def test_an_edit_names_the_message_and_its_new_wording():
    edited = fact("message.edited", edit())
    assert (edited.key.external_id, edited.key.from_me, edited.text) == (TARGET, False, "novo")
    assert edited.edited_at == AT


@pytest.mark.parametrize("told", [f"false_{MARIA}_{TARGET}", None])
def test_the_edited_message_is_found_by_a_full_id_or_by_the_engines_record(told):
    assert fact("message.edited", edit(editedMessageId=told)).key.external_id == TARGET


@pytest.mark.parametrize("wording", ["", None])
def test_a_wording_kept_from_us_is_none(wording):
    assert fact("message.edited", edit(body=wording)).text is None


def test_an_edit_reported_as_the_message_itself_has_the_events_time():
    payload = edit(id=f"false_{MARIA}_{TARGET}", timestamp=SECONDS - 999)
    assert fact("message.edited", payload).edited_at == CREATED
    payload["_data"] = {"type": "chat", "latestEditSenderTimestampMs": SECONDS * 1000}
    assert fact("message.edited", payload).edited_at == AT


def test_an_edit_in_a_group_names_the_author():
    payload = gows(None, chat=GROUP, author=JOAO_LID, alternate=JOAO, text="novo") | {
        "editedMessageId": TARGET
    }
    key = fact("message.edited", payload).key
    assert key.author == Party(address=address(JOAO_LID), alternate=address(JOAO))


def revoke(after: dict | None, *, before: dict | None = None, told: str | None = TARGET) -> dict:
    return {"after": after, "before": before, "revokedMessageId": told}


def revoking(key: dict, **fields: object) -> dict:
    return gows({"protocolMessage": {"key": {"ID": TARGET, **key}, "type": 0}}, **fields)


@pytest.mark.parametrize("ours", [True, False])
def test_in_an_individual_chat_only_the_author_revokes(ours):
    revoked = fact("message.revoked", revoke(revoking({"fromMe": True}, from_me=ours, alternate=MARIA_LID)))
    assert (revoked.key.external_id, revoked.key.from_me, revoked.by_me) == (TARGET, ours, ours)
    assert (revoked.key.chat, revoked.key.peer.alternate) == (address(MARIA), address(MARIA_LID))
    assert revoked.revoked_at == AT


def test_an_admin_of_a_group_revokes_what_another_or_we_wrote():
    theirs = fact("message.revoked", revoke(revoking({"participant": JOAO}, chat=GROUP, author=MARIA)))
    assert (theirs.by_me, theirs.key.from_me, theirs.key.author) == (
        False,
        False,
        Party(address=address(JOAO)),
    )
    ours = fact("message.revoked", revoke(revoking({"participant": OWN_LID}, chat=GROUP, author=MARIA)))
    assert (ours.by_me, ours.key.from_me, ours.key.author) == (False, True, None)
    by_us = fact(
        "message.revoked", revoke(revoking({"participant": JOAO}, chat=GROUP, from_me=True, author=OWN))
    )
    assert (by_us.by_me, by_us.key.from_me) == (True, False)


def test_an_author_in_a_group_revokes_their_own():
    revoked = fact("message.revoked", revoke(revoking({"fromMe": True}, chat=GROUP, author=MARIA)))
    assert (revoked.by_me, revoked.key.from_me, revoked.key.author) == (
        False,
        False,
        Party(address=address(MARIA)),
    )


def test_a_revocation_in_a_group_may_not_tell_whose_message_it_was():
    key = fact("message.revoked", revoke(revoking({}, chat=GROUP, author=MARIA))).key
    assert (key.from_me, key.author) == (None, None)


def test_the_message_before_tells_whose_it_was_and_the_events_time_stands_in():
    before = gows({"conversation": "Oi"}, chat=GROUP, author=JOAO) | {"id": f"false_{GROUP}_{TARGET}_{JOAO}"}
    after = before | {"timestamp": SECONDS - 999, "_data": {"type": "revoked", "revokeSender": MARIA}}
    revoked = fact("message.revoked", revoke(after, before=before))
    assert (revoked.key.from_me, revoked.key.author, revoked.by_me) == (
        False,
        Party(address=address(JOAO)),
        False,
    )
    assert revoked.revoked_at == CREATED
    after["_data"]["revokeSender"] = OWN
    assert fact("message.revoked", revoke(after, before=before)).by_me is True


def test_the_revoked_message_is_found_in_the_engines_record():
    assert fact("message.revoked", revoke(revoking({}), told=None)).key.external_id == TARGET


@pytest.mark.parametrize("event", ["message.ack", "message.reaction", "message.edited", "message.revoked"])
def test_a_fact_about_nothing_is_ignored(event):
    assert isinstance(fact(event, {"ack": 1}), Ignored)
    assert isinstance(fact(event, None), Ignored)
    assert isinstance(
        fact(event, {"id": f"true_{OWN}_{ID}", "ack": 1, "reaction": {"messageId": ID}}), Ignored
    )


def status(name: str, *times: int, **fields: object):
    history = [{"status": name, "timestamp": time} for time in times]
    return fact("session.status", {"name": "crm", "status": name, "statuses": history}, **fields)


@pytest.mark.parametrize("state", list(SessionState))
def test_every_state_of_a_session_is_told(state):
    own = Party(address=address(OWN), alternate=address(OWN_LID), push_name="Loja")
    changed = status(state.value, 1784000019000, 1784000020000, 1784000018000)
    assert changed == ChannelStateChanged(
        state=state, changed_at=datetime.fromtimestamp(1784000020, UTC), own=own, engine="GOWS"
    )


def test_a_session_without_history_or_phone_has_the_events_time_and_no_owner():
    changed = status("STARTING", me=None)
    assert (changed.changed_at, changed.own) == (CREATED, None)


def test_the_second_step_of_a_passkey_is_still_the_passkey():
    assert status("PASSKEY_CONFIRMATION_REQUIRED").state is SessionState.PASSKEY_REQUIRED


@pytest.mark.parametrize("name", ["HIBERNATING", ""])
def test_a_state_of_the_future_is_ignored(name):
    assert status(name) == Ignored(event="session.status", reason="unknown status")


@pytest.mark.parametrize("event", ["poll.vote", "call.received", "engine.event", "a.new.one"])
def test_other_events_are_kept_for_later(event):
    assert fact(event, {}) == Ignored(event=event, reason="not handled yet")
