"""The calls to WAHA, against servers that answer as documented."""

import json as stdlib
from datetime import UTC, datetime

import httpx2
import pytest

from domain.crm.channel import Engine
from domain.crm.content import ImageContent, Media, TextContent
from domain.crm.inbound import Party, SessionState
from domain.values import PhoneNumber
from integrations.errors import Rejected, Unavailable
from integrations.waha.message_id import address
from integrations.waha.sends import SendResult
from integrations.waha.sessions import CORE_EVENTS, EVENTS, PRESENCE_EVENTS, Webhook
from integrations.waha.translate import HANDLED
from tests.integrations.waha.payloads import ID, MARIA, MARIA_LID, OWN, OWN_LID, gows
from tests.integrations.waha.test_transport import Server, json

CHAT = address(MARIA)
WEBHOOK = Webhook(url="https://crm.example.com/webhooks/waha/t0", hmac_key="key")


def asked(server: Server, index: int = -1) -> object:
    return stdlib.loads(server.requests[index].content)


async def test_a_text_goes_out_under_the_id_made_beforehand():
    server = Server(json({"id": f"true_{MARIA}_3EB0AA", "_data": None}, 201))
    result = await server.client().send(
        "crm", CHAT, TextContent(text="Olá"), message_id="3EB0AA", reply_to="3EB0BB"
    )
    assert result == SendResult(external_id="3EB0AA", timestamp=None)
    assert asked(server) == {
        "text": "Olá",
        "session": "crm",
        "chatId": MARIA,
        "id": "3EB0AA",
        "reply_to": "3EB0BB",
    }
    assert (server.requests[0].method, server.requests[0].url.path) == ("POST", "/api/sendText")
    assert server.requests[0].extensions["timeout"]["read"] == 30.0


async def test_a_file_takes_longer_and_carries_no_id():
    server = Server(json({"key": {"id": "3EB0CC"}}, 201))
    content = ImageContent(media=Media(url="https://crm.example.com/1"))
    result = await server.client().send("crm", CHAT, content, message_id="3EB0AA")
    assert result.external_id == "3EB0CC"
    assert "id" not in asked(server)
    assert server.requests[0].extensions["timeout"]["read"] == 180.0


async def test_an_empty_answer_to_a_send_leaves_the_id_made_beforehand():
    server = Server(httpx2.Response(201), httpx2.Response(201))
    text = TextContent(text="Olá")
    assert (await server.client().send("crm", CHAT, text, message_id="3EB0AA")).external_id == "3EB0AA"
    assert (await server.client().send("crm", CHAT, text)).external_id is None


@pytest.mark.parametrize(
    ("engine", "path"),
    [
        (Engine.GOWS, f"/api/crm/chats/all/messages/{ID}"),
        (Engine.NOWEB, f"/api/crm/chats/all/messages/{ID}"),
        (Engine.WEBJS, f"/api/crm/chats/{MARIA}/messages/true_{MARIA}_{ID}"),
        (None, f"/api/crm/chats/{MARIA}/messages/true_{MARIA}_{ID}"),
    ],
)
async def test_a_message_is_looked_up_by_the_id_its_engine_understands(engine, path):
    message = gows({"conversation": "Oi"}, from_me=True)
    server = Server(json(message))
    assert await server.client().find_message("crm", CHAT, ID, engine=engine) == message
    assert server.requests[0].url.path == path
    assert server.requests[0].url.params["downloadMedia"] == "false"


@pytest.mark.parametrize(
    "answer", [json({}, 404), json(None), httpx2.Response(200), json({"id": "other"}), json([])]
)
async def test_a_message_that_is_not_there_is_none(answer):
    assert await Server(answer).client().find_message("crm", CHAT, ID) is None


async def test_a_file_can_be_fetched_anew_through_its_message():
    message = gows(
        {"imageMessage": {}}, hasMedia=True, media={"url": "http://waha:3000/api/files/crm/a.jpeg"}
    )
    server = Server(json(message), json(gows({"conversation": "Oi"})), json({}, 404))
    client = server.client()
    assert await client.find_media("crm", CHAT, ID) == Media(url="http://waha:3000/api/files/crm/a.jpeg")
    assert server.requests[0].url.params["downloadMedia"] == "true"
    assert await client.find_media("crm", CHAT, ID) is None
    assert await client.find_media("crm", CHAT, ID) is None


async def test_recent_messages_come_without_their_files():
    server = Server(json([gows(None), "strange"]), json(None))
    since = datetime.fromtimestamp(1784000000, UTC)
    assert await server.client().recent_messages("crm", CHAT, limit=10, since=since) == [gows(None)]
    assert dict(server.requests[0].url.params) == {
        "limit": "10",
        "downloadMedia": "false",
        "filter.timestamp.gte": "1784000000",
    }
    assert await server.client().recent_messages("crm", CHAT, limit=10) == []


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"numberExists": True, "chatId": "551199990001@c.us"}, "551199990001@c.us"),
        ({"numberExists": True}, "5511999990001@c.us"),
        ({"numberExists": False}, None),
    ],
)
async def test_a_number_is_resolved_to_the_address_whatsapp_knows(answer, found):
    exists = await Server(json(answer)).client().check_exists("crm", PhoneNumber("+5511999990001"))
    assert exists == address(found)


async def test_a_lid_is_resolved_when_waha_has_learnt_it():
    server = Server(json({"lid": MARIA_LID, "pn": MARIA}), json({"lid": MARIA_LID, "pn": None}))
    assert await server.client().lid_to_phone("crm", address(MARIA_LID)) == CHAT
    assert await server.client().lid_to_phone("crm", address(MARIA_LID)) is None


@pytest.mark.parametrize(
    ("answer", "subject"),
    [
        (json({"JID": "1@g.us", "Name": "Equipe"}), "Equipe"),
        (json({"id": "1@g.us", "subject": "Equipe"}), "Equipe"),
        (json({"id": {}, "groupMetadata": {"subject": "Equipe"}}), "Equipe"),
        (json({}, 404), None),
    ],
)
async def test_the_subject_of_a_group_is_found_on_every_engine(answer, subject):
    assert await Server(answer).client().group_subject("crm", address("1-2@g.us")) == subject


async def test_a_session_tells_its_state_and_owner():
    me = {"id": OWN, "lid": OWN_LID, "pushName": "Loja"}
    answer = {
        "name": "crm",
        "status": "WORKING",
        "me": me,
        "engine": {"engine": "NOWEB"},
        "config": {"debug": False},
    }
    found = await Server(json(answer)).client().session("crm")
    assert (found.state, found.engine, found.config) == (SessionState.WORKING, Engine.NOWEB, {"debug": False})
    assert found.own == Party(address=address(OWN), alternate=address(OWN_LID), push_name="Loja")
    unpaired = (
        await Server(json({"name": "crm", "status": "HIBERNATING", "me": None})).client().session("crm")
    )
    assert (unpaired.state, unpaired.own, unpaired.engine) == (None, None, None)


async def test_a_new_session_is_created_with_our_webhook_and_started():
    server = Server(json({}, 404), json({"name": "crm", "status": "STARTING"}, 201))
    created = await server.client().create_or_update_session(
        "crm", webhook=WEBHOOK, metadata={"channel.id": "c"}
    )
    assert created.state is SessionState.STARTING
    assert server.requests[1].method == "POST"
    assert asked(server) == {
        "name": "crm",
        "start": True,
        "config": {
            "metadata": {"channel.id": "c"},
            "ignore": {"status": True, "channels": True, "broadcast": True},
            "webhooks": [
                {
                    "url": WEBHOOK.url,
                    "events": list(EVENTS),
                    "hmac": {"key": "key"},
                    "retries": {"policy": "exponential", "delaySeconds": 2, "attempts": 15},
                }
            ],
        },
    }


async def test_an_existing_session_keeps_what_others_configured_and_is_touched_once():
    other = {"url": "https://example.com/hook", "events": ["*"]}
    moved = {
        "url": "http://old.example.com/webhooks/waha/t0",
        "events": [],
        "customHeaders": [{"name": "a", "value": "b"}],
    }
    config = {
        "proxy": {"server": "p"},
        "noweb": {"store": {"enabled": True}},
        "webhooks": [moved, other],
        "metadata": None,
    }
    server = Server(json({"status": "WORKING", "config": config}), json({"status": "STARTING"}))
    await server.client().create_or_update_session("crm", webhook=WEBHOOK)
    sent = asked(server)["config"]
    assert server.requests[1].method == "PUT"
    assert (sent["proxy"], sent["noweb"]) == (config["proxy"], config["noweb"])
    assert [one["url"] for one in sent["webhooks"]] == [other["url"], WEBHOOK.url]
    assert sent["webhooks"][1]["customHeaders"] == moved["customHeaders"]

    sent["webhooks"][1]["retries"]["jitter"] = None
    again = Server(json({"status": "WORKING", "config": sent | {"debug": False}}))
    unchanged = await again.client().create_or_update_session("crm", webhook=WEBHOOK)
    assert (unchanged.state, len(again.requests)) == (SessionState.WORKING, 1)


async def test_a_session_that_somebody_else_has_just_created_is_configured():
    server = Server(
        json({}, 404), json({"message": "Session 'crm' already exists."}, 422), json({"status": "STARTING"})
    )
    await server.client().create_or_update_session("crm", webhook=WEBHOOK)
    assert [request.method for request in server.requests] == ["GET", "POST", "PUT"]


async def test_an_older_server_is_asked_for_the_events_it_knows():
    server = Server(json({}, 404), json({"message": "unknown event"}, 400), json({"status": "STARTING"}, 201))
    await server.client().create_or_update_session("crm", webhook=WEBHOOK)
    assert asked(server)["config"]["webhooks"][0]["events"] == list(CORE_EVENTS)
    refusing = Server(json({}, 404), json({}, 400), json({}, 400))
    with pytest.raises(Rejected):
        await refusing.client().create_or_update_session("crm", webhook=WEBHOOK)


def test_waha_is_asked_for_everything_that_changes_something_here():
    assert set(HANDLED) - {"message"} <= set(PRESENCE_EVENTS)
    assert "message" not in EVENTS
    assert len(PRESENCE_EVENTS) == len(set(PRESENCE_EVENTS))


async def test_sessions_are_started_restarted_and_stopped():
    server = Server(*[json({}, 201), httpx2.Response(201), json({}, 201)])
    client = server.client()
    await client.start("crm")
    await client.restart("crm")
    await client.stop("crm")
    assert [request.url.path for request in server.requests] == [
        f"/api/sessions/crm/{verb}" for verb in ("start", "restart", "stop")
    ]


async def test_a_qr_code_is_given_while_the_session_waits_for_one():
    assert await Server(json({"value": "2@x"})).client().qr("crm") == "2@x"
    working = {
        "error": "Session status is not as expected",
        "status": "WORKING",
        "expected": ["SCAN_QR_CODE"],
    }
    with pytest.raises(Rejected):
        await Server(json(working, 422)).client().qr("crm")
    with pytest.raises(Unavailable):
        await Server(json({})).client().qr("crm")


async def test_the_server_tells_its_release_and_engine():
    found = await Server(json({"version": "2026.7.1", "engine": "GOWS"})).client().version()
    assert (found.version, found.engine) == ("2026.7.1", Engine.GOWS)
