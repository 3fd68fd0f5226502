"""A message in becomes a signed webhook, a message out an echo and ticks."""

import hashlib
import hmac

KEY = "webhook-key"
MARIA = "5511999990001"


async def test_a_text_by_a_person_arrives_signed_under_both_event_names(wasim, receiver):
    sent = await wasim.post("sessions/shop/incoming", person=MARIA, content={"kind": "text", "text": "Olá"})
    await wasim.post("settle")

    assert sorted(post.event for post in receiver.posts) == ["message", "message.any"]
    for post in receiver.posts:
        assert post.payload["id"] == sent["id"]
        assert post.payload["body"] == "Olá"
        assert post.headers["x-webhook-hmac-algorithm"] == "sha512"
        expected = hmac.new(KEY.encode(), post.raw, hashlib.sha512).hexdigest()
        assert post.headers["x-webhook-hmac"] == expected
        assert post.headers["x-webhook-timestamp"] == str(post.body["timestamp"])
    assert receiver.posts[0].body["id"] != receiver.posts[1].body["id"]


async def test_a_text_sent_through_the_api_is_echoed_and_ticked_off(wasim, receiver):
    answer = await wasim.control.post(
        "/api/sendText", json={"session": "shop", "chatId": f"{MARIA}@c.us", "text": "Bom dia"}
    )
    await wasim.post("settle")

    assert answer.status_code == 201
    message_id = answer.json()["id"]
    [echo] = receiver.payloads("message.any")
    assert (echo["id"], echo["source"], echo["fromMe"], echo["ack"]) == (message_id, "api", True, 1)
    acks = [(ack["id"], ack["ack"]) for ack in receiver.payloads("message.ack")]
    assert sorted(acks) == [(message_id, 1), (message_id, 2), (message_id, 3)]
    assert receiver.payloads("message") == []
