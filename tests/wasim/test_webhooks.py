"""How webhooks are signed, whom they reach and when they are repeated."""

import json
from pathlib import Path

import pytest

from wasim.config import RetrySettings, WebhookSettings
from wasim.webhooks import retry_delay, sign, subscribed

VECTORS = Path(__file__).parents[2] / "../shared/waha/hmac-vectors.json"
DOCUMENTED = (
    "208f8a55dde9e05519e898b10b89bf0d0b3b0fdf11fdbf09b6b90476301b98d8"
    "097c462b2b17a6ce93b6b47a136cf2e78a33a63f6752c2c1631777076153fa89"
)


def test_the_documented_vector_is_reproduced():
    body = b'{"event":"message","session":"default","engine":"WEBJS"}'
    assert sign("my-secret-key", body) == DOCUMENTED


def test_every_recorded_vector_is_reproduced():
    if not VECTORS.exists():
        pytest.skip(f"WAHA's signature vectors are not at {VECTORS.resolve()}")
    for vector in json.loads(VECTORS.read_text()):
        if "bodyUtf8" in vector:
            assert sign(vector["key"], vector["bodyUtf8"].encode()) == vector["hmacSha512Hex"]


@pytest.mark.parametrize(
    ("events", "event", "wanted"),
    [
        (["*"], "message.any", True),
        (["*"], "engine.event", False),
        (["engine.event"], "engine.event", True),
        (["message"], "message.any", False),
        (["session.status", "message.any"], "message.any", True),
        ([], "message", False),
    ],
)
def test_a_webhook_gets_what_its_list_names(events, event, wanted):
    assert subscribed(WebhookSettings(url="http://a", events=events), event) is wanted


@pytest.mark.parametrize(
    ("policy", "delays"),
    [("constant", [2, 2, 2]), ("linear", [2, 4, 6]), ("exponential", [4, 8, 16])],
)
def test_retries_wait_as_their_policy_says(policy, delays):
    retries = RetrySettings(policy=policy, delay_seconds=2)
    assert [retry_delay(retries, attempt, 0) for attempt in (1, 2, 3)] == delays


def test_a_constant_retry_honours_retry_after():
    assert retry_delay(RetrySettings(), 1, 30) == 30


async def test_two_webhooks_get_the_same_event_under_different_request_ids(start, receiver):
    webhook = {"url": receiver.url, "events": ["message.any"]}
    async with start(session={"webhooks": [webhook, webhook]}) as wasim:
        await wasim.post(
            "sessions/shop/incoming", person="5511999990001", content={"kind": "text", "text": "Oi"}
        )
        await wasim.post("settle")

    first, second = receiver.posts
    assert first.raw == second.raw
    assert first.headers["x-webhook-request-id"] != second.headers["x-webhook-request-id"]
    assert "x-webhook-hmac" not in first.headers


async def test_custom_headers_and_metadata_travel_with_every_post(start, receiver):
    webhook = {
        "url": receiver.url,
        "events": ["message.any"],
        "customHeaders": [{"name": "X-Channel", "value": "channel-1"}],
    }
    async with start(session={"webhooks": [webhook], "metadata": {"tenant.id": "t1"}}) as wasim:
        await wasim.post(
            "sessions/shop/incoming", person="5511999990001", content={"kind": "text", "text": "Oi"}
        )
        await wasim.post("settle")

    [post] = receiver.posts
    assert post.headers["x-channel"] == "channel-1"
    assert post.headers["user-agent"] == "WAHA/2026.7.1"
    assert post.body["metadata"] == {"tenant.id": "t1"}
    assert post.body["engine"] == "GOWS"
    assert post.body["environment"]["version"] == "2026.7.1"


async def test_an_ignored_group_is_neither_stored_nor_announced(start, receiver):
    async with start(session={"ignore": {"groups": True}}) as wasim:
        group = await wasim.post(
            "sessions/shop/groups", subject="Loud", members=[{"person": "5511999990001"}]
        )
        await wasim.post(
            "sessions/shop/incoming",
            person="5511999990001",
            chat=group["id"],
            content={"kind": "text", "text": "Oi"},
        )
        await wasim.post("settle")
        assert await wasim.get("sessions/shop/messages") == []

    assert receiver.posts == []
