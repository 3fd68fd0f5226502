"""Misfortunes strike exactly when, where and as often as they were ordered."""

import asyncio

import httpx2
import pytest

MARIA = "5511999990001"
SEND = {"session": "shop", "chatId": f"{MARIA}@c.us", "text": "Bom dia"}


async def say(wasim, text, **more):
    return await wasim.post(
        "sessions/shop/incoming", person=MARIA, content={"kind": "text", "text": text}, **more
    )


async def count(wasim, **query):
    return (await wasim.get("received", **query))["count"]


async def test_a_duplicated_delivery_arrives_twice_with_the_same_body(start, receiver):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("faults/webhooks", fault="duplicate", events=["message.any"])
        await say(wasim, "first")
        await say(wasim, "second")
        await wasim.post("settle")

    bodies = [post.payload["body"] for post in receiver.posts]
    assert sorted(bodies) == ["first", "first", "second"]
    twice = [post.raw for post in receiver.posts if post.payload["body"] == "first"]
    assert twice[0] == twice[1]


async def test_a_twin_under_the_other_address_form_has_the_same_bare_id(start, receiver):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("faults/webhooks", fault="twin-address")
        sent = await say(wasim, "hello")
        await wasim.post("settle")

    addresses = [post.payload["from"].partition("@")[2] for post in receiver.posts]
    assert sorted(addresses) == ["c.us", "lid"]
    assert all(post.payload["id"].endswith(sent["waId"]) for post in receiver.posts)
    assert receiver.posts[0].body["id"] != receiver.posts[1].body["id"]


async def test_a_twin_under_the_other_event_name_reaches_a_webhook_that_wants_one(start, receiver):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("faults/webhooks", fault="twin-event")
        await say(wasim, "hello")
        await wasim.post("settle")

    assert sorted(post.event for post in receiver.posts) == ["message", "message.any"]
    assert receiver.posts[0].payload == receiver.posts[1].payload


async def test_a_dropped_delivery_never_arrives_and_is_on_record(start, receiver):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("faults/webhooks", fault="drop")
        await say(wasim, "lost")
        await say(wasim, "found")
        await wasim.post("settle")
        states = [d["state"] for d in await wasim.get("deliveries")]

    assert [post.payload["body"] for post in receiver.posts] == ["found"]
    assert states == ["dropped", "delivered"]


async def test_reordered_deliveries_arrive_in_reverse(start, receiver):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("faults/webhooks", fault="reorder", count=3)
        for text in ("one", "two", "three"):
            await say(wasim, text)
        await wasim.post("settle")

    assert [post.payload["body"] for post in receiver.posts] == ["three", "two", "one"]


async def test_a_reorder_that_stays_short_of_its_count_gives_up_waiting(start, receiver):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("faults/webhooks", fault="reorder", count=9, seconds=0.05)
        for text in ("one", "two"):
            await say(wasim, text)
        await wasim.post("settle")

    assert [post.payload["body"] for post in receiver.posts] == ["two", "one"]


async def test_a_delayed_delivery_is_overtaken(start, receiver):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("faults/webhooks", fault="delay", seconds=0.2)
        await say(wasim, "slow")
        await say(wasim, "fast")
        await wasim.post("settle")

    assert [post.payload["body"] for post in receiver.posts] == ["fast", "slow"]


@pytest.mark.parametrize(("order", "expected"), [("same", ["a", "b"]), ("reverse", ["b", "a"])])
async def test_held_deliveries_wait_for_their_release(start, receiver, order, expected):
    async with start(events=["message.any"]) as wasim:
        await wasim.post("webhooks/hold")
        await say(wasim, "a")
        await say(wasim, "b")
        await wasim.post("settle")
        assert receiver.posts == []
        assert (await wasim.post("webhooks/release", order=order)) == {"released": 2}
        await wasim.post("settle")

    assert [post.payload["body"] for post in receiver.posts] == expected


async def test_a_refused_webhook_is_retried_with_the_same_request_id_and_body(start, receiver):
    receiver.statuses += [500, 404, 302]
    async with start(events=["message.any"]) as wasim:
        await say(wasim, "again and again")
        await wasim.post("settle")
        [record] = await wasim.get("deliveries")

    assert record["attempts"] == ["500", "404", "302", "200"]
    assert [p.headers["x-webhook-request-id"] for p in receiver.posts] == [record["requestId"]] * 4
    assert {post.raw for post in receiver.posts} == {receiver.posts[0].raw}


async def test_a_webhook_is_given_up_after_its_last_attempt(start, receiver):
    receiver.statuses += [503] * 4
    async with start(events=["message.any"]) as wasim:
        await say(wasim, "nobody home")
        await wasim.post("settle")
        [record] = await wasim.get("deliveries")

    assert (record["state"], record["attempts"]) == ("failed", ["503"] * 4)


@pytest.mark.parametrize(
    ("fault", "status", "got"),
    [
        ("error-500", 500, 0),
        ("error-463", 500, 0),
        ("error-422", 422, 0),
        ("error-404", 404, 0),
        ("error-503", 503, 0),
        ("error-500-after-send", 500, 1),
        ("wrong-json", 201, 1),
        ("broken-json", 201, 0),
    ],
)
async def test_a_failing_send_reached_whatsapp_only_when_it_says_so(wasim, receiver, fault, status, got):
    await wasim.post("faults/rest", fault=fault)
    failed = await wasim.control.post("/api/sendText", json=SEND)
    sent = await wasim.control.post("/api/sendText", json=SEND | {"text": "after the storm"})
    await wasim.post("settle")

    assert (failed.status_code, sent.status_code) == (status, 201)
    assert await count(wasim, text="Bom dia") == got
    assert await count(wasim, text="after the storm") == 1
    echoes = [echo["body"] for echo in receiver.payloads("message.any")]
    assert sorted(echoes) == ["Bom dia"] * got + ["after the storm"]


async def test_error_463_names_the_reachout_timelock(wasim):
    await wasim.post("faults/rest", fault="error-463")
    failed = (await wasim.control.post("/api/sendText", json=SEND)).json()

    assert failed["exception"]["message"] == "2 UNKNOWN: server returned error 463"
    assert failed["exception"]["code"] == 2
    assert failed["request"] == {"path": "/api/sendText", "method": "POST", "body": SEND, "query": {}}


@pytest.mark.parametrize(("fault", "got"), [("refuse", 0), ("drop-after-send", 1)])
async def test_a_cut_connection_gives_no_answer(wasim, fault, got):
    await wasim.post("faults/rest", fault=fault)
    with pytest.raises(httpx2.TransportError):
        await wasim.control.post("/api/sendText", json=SEND)

    assert await count(wasim, text="Bom dia") == got


@pytest.mark.parametrize(("fault", "got"), [("hang", 0), ("hang-after-send", 1)])
async def test_a_hanging_send_times_out_at_the_caller(wasim, fault, got):
    await wasim.post("faults/rest", fault=fault)
    with pytest.raises(httpx2.ReadTimeout):
        await wasim.control.post("/api/sendText", json=SEND, timeout=0.1)

    assert await count(wasim, text="Bom dia") == got


async def test_a_fault_for_one_chat_leaves_the_others_alone(wasim):
    await wasim.post("faults/rest", fault="error-500", chatId=f"{MARIA}@c.us", count=None)
    other = await wasim.control.post("/api/sendText", json=SEND | {"chatId": "5511999990009@c.us"})
    same = await wasim.control.post("/api/sendText", json=SEND)
    await wasim.control.delete("/control/faults")
    after = await wasim.control.post("/api/sendText", json=SEND)

    assert [answer.status_code for answer in (other, same, after)] == [201, 500, 201]


async def test_a_repeat_with_the_same_id_adds_no_second_message(wasim, receiver):
    made = (await wasim.control.get("/api/shop/new-message-id")).json()["id"]
    await wasim.post("faults/rest", fault="error-500-after-send")
    lost = await wasim.control.post("/api/sendText", json=SEND | {"id": made})
    again = await wasim.control.post("/api/sendText", json=SEND | {"id": made})
    await wasim.post("settle")
    record = await wasim.get("received", id=made)

    assert (lost.status_code, again.status_code) == (500, 201)
    assert again.json()["id"] == f"true_{MARIA}@c.us_{made}"
    assert (record["count"], record["messages"][0]["repeats"]) == (1, 1)
    assert len(receiver.payloads("message.any")) == 1


async def test_a_forgotten_file_comes_back_with_its_message_unless_gone_forever(wasim):
    photo = await wasim.post("sessions/shop/incoming", person=MARIA, content={"kind": "image"})
    path = f"/api/shop/chats/all/messages/{photo['waId']}"
    url = (await wasim.control.get(path)).json()["media"]["url"]
    assert (await wasim.control.get(url)).content.startswith(b"\xff\xd8\xff")

    await wasim.post("files/forget", session="shop", message=photo["id"])
    gone = await wasim.control.get(url)
    assert (gone.status_code, gone.json()["error"]["key"]) == (404, "FILE_NOT_FOUND")
    assert (await wasim.control.get(path)).json()["media"]["url"] == url
    assert (await wasim.control.get(url)).status_code == 200

    await wasim.post("files/forget", session="shop", message=photo["id"], forever=True)
    media = (await wasim.control.get(path)).json()["media"]
    assert (media["url"], media["error"]["code"]) == (None, 404)


async def test_a_simulator_that_is_offline_refuses_connections_and_comes_back(wasim):
    await wasim.post("offline", seconds=0.3)
    await asyncio.sleep(0.15)
    async with httpx2.AsyncClient(base_url=wasim.url, verify=False, trust_env=False) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("/ping")
        await asyncio.sleep(0.4)
        assert (await client.get("/ping")).json() == {"message": "pong"}


async def test_reset_forgets_messages_people_and_faults(wasim, receiver):
    await wasim.post("faults/rest", fault="error-500", count=None)
    await say(wasim, "before")
    await wasim.post("reset")

    assert await wasim.get("people") == []
    assert await wasim.get("sessions/shop/messages") == []
    assert (await wasim.control.post("/api/sendText", json=SEND)).status_code == 201


async def test_a_silent_message_is_stored_without_a_webhook(wasim, receiver):
    await say(wasim, "unheard", silent=True)
    await wasim.post("settle")
    listed = await wasim.control.get("/api/shop/chats/all/messages")

    assert receiver.posts == []
    assert [message["body"] for message in listed.json()] == ["unheard"]


async def test_a_restart_of_waha_loses_what_was_being_retried(start, receiver):
    receiver.statuses += [500]
    async with start(events=["message.any"], retries={"delaySeconds": 0.2, "attempts": 3}) as wasim:
        await say(wasim, "never seen again")
        await receiver.until(lambda posts: len(posts) == 1)
        assert await wasim.post("webhooks/lose") == {"lost": 1}
        await wasim.post("settle")
        [record] = await wasim.get("deliveries")

    assert (record["state"], record["attempts"]) == ("dropped", ["500"])
    assert len(receiver.posts) == 1


async def test_a_message_delivered_again_is_stored_once(wasim, receiver):
    for _ in range(2):
        await say(wasim, "twice", waId="3A00000000000000000A")
    await wasim.post("settle")

    assert len(receiver.payloads("message")) == 2
    assert len(await wasim.get("sessions/shop/messages")) == 1
