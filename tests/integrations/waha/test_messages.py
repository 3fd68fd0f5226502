"""New messages: whose they are, when, and in which conversation."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings

from domain.crm.content import AdReferral, ImageContent, TextContent
from domain.crm.inbound import Ignored, MessageKey, Party, ReceivedMessage
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
    webjs,
)
from tests.integrations.waha.test_envelope import JSON, LIKELY

TEXT = {"conversation": "Oi"}


def received(payload: object, *, event: str = "message.any", **fields: object):
    return translate.to_domain(encoded(body(event, payload, **fields)), received_at=NOW)


def person(known: str, other: str | None = None, name: str | None = None) -> Party:
    return Party(address=address(known), alternate=address(other), push_name=name)


def test_a_text_by_a_person_has_all_its_parts():
    assert received(gows(TEXT, text="Oi", alternate=MARIA_LID)) == ReceivedMessage(
        key=MessageKey(
            chat=address(MARIA), external_id=ID, from_me=False, peer=person(MARIA, MARIA_LID, "Maria")
        ),
        content=TextContent(text="Oi"),
        sent_at=AT,
        from_phone=True,
        ack=None,
        reply_to_external_id=None,
        is_forwarded=False,
        mentions=(),
    )


@pytest.mark.parametrize("event", ["message", "message.any"])
def test_both_event_names_of_a_message_mean_the_same(event):
    assert received(gows(TEXT, text="Oi"), event=event) == received(gows(TEXT, text="Oi"))


@pytest.mark.parametrize(
    "payload",
    [
        gows(TEXT, text="Oi", chat=MARIA_LID, alternate=MARIA),
        noweb(
            TEXT,
            text="Oi",
            id=f"false_{MARIA_LID}_{ID}",
            key={"remoteJid": MARIA_LID, "remoteJidAlt": "5511999990001:3@s.whatsapp.net"},
        ),
        noweb(
            TEXT,
            text="Oi",
            id=f"false_{MARIA_LID}_{ID}",
            key={"remoteJid": MARIA_LID, "senderPn": "5511999990001@s.whatsapp.net"},
        ),
        # WAHA shows the phone form where the engine's record has the LID.
        noweb(
            TEXT, text="Oi", id=f"false_{MARIA_LID}_{ID}", key={"remoteJid": "5511999990001@s.whatsapp.net"}
        ),
    ],
)
def test_a_lid_comes_with_the_phone_that_the_engine_knows(payload):
    assert received(payload).key.peer == person(MARIA_LID, MARIA, "Maria")


def test_a_hidden_number_stays_hidden():
    assert received(gows(TEXT, text="Oi", chat=MARIA_LID)).key.peer == person(MARIA_LID, None, "Maria")


def test_web_engines_know_no_alternates():
    assert received(webjs("chat", text="Oi"), engine="WEBJS").key.peer == person(MARIA, None, "Maria")


@pytest.mark.parametrize(
    "payload",
    [
        gows(TEXT, text="Oi", from_me=True, alternate=MARIA_LID),
        noweb(
            TEXT,
            text="Oi",
            id=f"true_{MARIA}_{ID}",
            key={"fromMe": True, "remoteJidAlt": MARIA_LID},
            fromMe=True,
        ),
    ],
)
def test_our_own_message_names_the_peer_without_our_push_name(payload):
    key = received(payload).key
    assert (key.from_me, key.peer, key.author) == (True, person(MARIA, MARIA_LID), None)


def test_our_own_addresses_never_become_a_contacts():
    payload = gows(TEXT, text="Oi", from_me=True, alternate=OWN_LID)
    payload["_data"]["Info"]["SenderAlt"] = OWN_LID
    assert received(payload).key.peer == person(MARIA)
    in_group = gows(TEXT, text="Oi", chat=GROUP, from_me=True, author=OWN)
    assert received(in_group).key.author is None
    in_group_by_lid = gows(TEXT, text="Oi", chat=GROUP, author=OWN_LID)
    assert received(in_group_by_lid).key.author is None


def test_our_own_ids_are_not_needed_to_tell_the_peer():
    key = received(gows(TEXT, text="Oi", from_me=True, alternate=MARIA_LID), me=None).key
    assert key.peer == person(MARIA, MARIA_LID)


def test_a_note_to_self_belongs_to_no_contact():
    assert received(gows(TEXT, text="Oi", chat=OWN, from_me=True)) == Ignored(
        event="message.any", reason="note to self"
    )


def test_a_group_message_names_its_author_and_no_peer():
    key = received(gows(TEXT, text="Oi", chat=GROUP, author=JOAO_LID, alternate=JOAO)).key
    assert (key.chat, key.peer) == (address(GROUP), None)
    assert key.author == person(JOAO_LID, JOAO, "Maria")


def test_a_group_message_without_author_is_still_a_message():
    payload = gows(TEXT, text="Oi", chat=GROUP)
    payload["_data"] = {"Message": TEXT}
    message = received(payload)
    assert (message.key.author, message.content) == (None, TextContent(text="Oi"))


def test_a_story_is_the_broadcasts_and_names_its_author():
    key = received(gows(TEXT, text="Oi", chat="status@broadcast", author=MARIA)).key
    assert (str(key.chat), key.peer, key.author.address) == ("status@broadcast", None, address(MARIA))


@pytest.mark.parametrize(
    "payload",
    [
        {"id": ID, "from": MARIA, "to": OWN, "fromMe": False, "body": "Oi"},
        {"id": ID, "from": "5511999990001:9@s.whatsapp.net", "fromMe": False, "body": "Oi"},
        {"id": ID, "from": OWN, "to": MARIA, "fromMe": True, "body": "Oi"},
        {"id": ID, "from": MARIA, "to": None, "fromMe": True, "body": "Oi"},
        {"id": {"fromMe": False, "remote": MARIA, "id": ID}, "from": MARIA, "body": "Oi"},
        {"id": ID, "body": "Oi", "_data": {"key": {"remoteJid": "5511999990001@s.whatsapp.net"}}},
    ],
)
def test_old_and_trimmed_payloads_are_filed_in_the_same_chat(payload):
    key = received(payload).key
    assert (key.chat, key.external_id, key.peer.address) == (address(MARIA), ID, address(MARIA))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"from": MARIA, "body": "Oi"}, "no message id"),
        ({"id": "", "from": MARIA, "body": "Oi"}, "no message id"),
        ({"id": ID, "body": "Oi"}, "no message chat"),
        ({"id": f"false_nobody_{ID}", "from": "nobody", "body": "Oi"}, "no message chat"),
        (None, "no message id"),
    ],
)
def test_a_message_without_id_or_chat_is_ignored_with_the_reason(payload, reason):
    assert received(payload) == Ignored(event="message.any", reason=reason)


@pytest.mark.parametrize(
    ("source", "from_phone"), [("app", True), ("api", False), (None, None), ("web", None)]
)
def test_the_source_tells_the_phone_from_wahas_api(source, from_phone):
    assert received(gows(TEXT, text="Oi", from_me=True, source=source)).from_phone is from_phone


def test_our_own_message_carries_the_level_it_has_reached():
    assert received(gows(TEXT, text="Oi", from_me=True, ack=3)).ack is Ack.READ
    assert received(gows(TEXT, text="Oi", from_me=True, ack=None, ackName="DEVICE")).ack is Ack.DEVICE
    assert received(gows(TEXT, text="Oi", from_me=True, ack=None, ackName="UNKNOWN")).ack is None
    assert received(gows(TEXT, text="Oi", ack=2)).ack is None


def test_without_its_own_time_a_message_has_the_engines_the_envelopes_or_that_of_reception():
    payload = gows(TEXT, text="Oi", timestamp=None)
    assert received(payload).sent_at == AT
    payload["_data"] = {"Message": TEXT}
    assert received(payload).sent_at == AT + timedelta(milliseconds=412)
    assert received(payload, timestamp=None).sent_at == NOW
    assert received(payload | {"timestamp": SECONDS * 1000}).sent_at == AT
    assert received(payload | {"timestamp": NOW.timestamp() + 3600}, timestamp=None).sent_at == NOW


def test_a_reply_names_the_bare_id_of_what_it_answers():
    assert received(gows(TEXT, text="Oi", replyTo={"id": "3EB0AA"})).reply_to_external_id == "3EB0AA"
    full = {"id": f"true_{MARIA}_3EB0AA"}
    assert received(gows(TEXT, text="Oi", replyTo=full)).reply_to_external_id == "3EB0AA"
    context = {"extendedTextMessage": {"text": "Oi", "contextInfo": {"stanzaID": "3EB0AA"}}}
    assert received(gows(context, text="Oi")).reply_to_external_id == "3EB0AA"
    assert (
        received(webjs("chat", text="Oi", raw={"quotedStanzaID": "3EB0AA"})).reply_to_external_id == "3EB0AA"
    )


def test_forwarding_and_mentions_are_told_by_the_context():
    context = {
        "isForwarded": True,
        "mentionedJID": [MARIA_LID, "5511999990002:1@s.whatsapp.net", 7, MARIA_LID],
    }
    message = received(gows({"extendedTextMessage": {"text": "Oi", "contextInfo": context}}, text="Oi"))
    assert (message.is_forwarded, message.mentions) == (True, (MARIA_LID, JOAO))
    scored = {"extendedTextMessage": {"text": "Oi", "contextInfo": {"forwardingScore": 5}}}
    assert received(noweb(scored, text="Oi")).is_forwarded
    web = received(
        webjs("chat", text="Oi", raw={"isForwarded": True, "mentionedJidList": [{"_serialized": JOAO}]})
    )
    assert (web.is_forwarded, web.mentions) == (True, (JOAO,))


ADVERTISEMENT = {
    "title": "Campanha",
    "body": "Fale",
    "sourceType": "ad",
    "sourceID": "1202",
    "sourceURL": "https://example.com/p",
    "sourceApp": "instagram",
    "ctwaClid": "Af",
}
REFERRAL = AdReferral(
    source_id="1202",
    source_type="ad",
    source_app="instagram",
    source_url="https://example.com/p",
    title="Campanha",
    body="Fale",
    click_id="Af",
)


def test_the_first_message_after_an_advertisement_carries_the_referral():
    context = {"externalAdReply": ADVERTISEMENT}
    text = {"extendedTextMessage": {"text": "Oi", "contextInfo": context}}
    assert received(gows(text, text="Oi")).content == TextContent(text="Oi", referral=REFERRAL)
    beside = noweb(TEXT, text="Oi")
    beside["_data"]["contextInfo"] = context
    assert received(beside).content == TextContent(text="Oi", referral=REFERRAL)
    image = received(gows({"imageMessage": {"contextInfo": context}}, text="Oi", hasMedia=True)).content
    assert isinstance(image, ImageContent)
    assert image.referral == REFERRAL


def test_a_link_preview_is_no_advertisement():
    context = {"externalAdReply": {"title": "Produto", "sourceUrl": "https://example.com"}}
    text = {"extendedTextMessage": {"text": "Oi", "contextInfo": context}}
    assert received(gows(text, text="Oi")).content == TextContent(text="Oi")


def test_an_opaque_mark_alone_still_tells_of_an_advertisement():
    context = {"conversionSource": "FB_Ads", "entryPointConversionApp": "instagram"}
    text = {"extendedTextMessage": {"text": "Oi", "contextInfo": context}}
    assert received(gows(text, text="Oi")).content.referral == AdReferral(source_app="instagram")


def test_what_postgresql_refuses_is_replaced_everywhere():
    payload = gows({"extendedTextMessage": {"matchedText": "https://e\x00.com"}}, text="a\x00b")
    payload["_data"]["Info"]["PushName"] = "M\x00"
    message = received(payload)
    assert message.content == TextContent(text="a\ufffdb", link_url="https://e\ufffd.com")
    assert message.key.peer.push_name == "M\ufffd"
    raw = encoded(body("message", gows(TEXT, text="half"))).replace(b"half", b"\\ud83d!")
    assert translate.to_domain(raw, received_at=NOW).content == TextContent(text="\ufffd!")
    unknown = received(gows({"newMessage": {"x\x00": "\x00"}}, text="a\x00"))
    assert (unknown.content.text, "\\u0000" in unknown.content.raw) == ("a\ufffd", False)


def test_a_message_out_of_a_list_means_the_same_as_its_webhook():
    payload = gows(TEXT, text="Oi", alternate=MARIA_LID)
    own = Party(address=address(OWN), alternate=address(OWN_LID))
    assert translate.listed(payload, own=own, received_at=NOW) == received(payload)


@settings(max_examples=300)
@given(payload=LIKELY, me=JSON)
def test_strange_content_raises_nothing(payload, me):
    for event in (
        "message",
        "message.ack",
        "message.reaction",
        "message.edited",
        "message.revoked",
        "session.status",
    ):
        value = json.loads(json.dumps(body(event, payload, me=me)))
        translate.to_domain(value, received_at=NOW)


def test_content_nested_beyond_reason_raises_nothing():
    nested: dict = {}
    for _ in range(5_000):
        nested = {"newMessage": nested}
    message = translate.to_domain(body("message", gows(nested, text="Oi")), received_at=NOW)
    assert message.content.raw_kind == "newMessage"
