"""A session's life from creation over the QR code to work and back."""

MARIA = "5511999990001"


def statuses(receiver):
    return [payload["status"] for payload in receiver.payloads("session.status")]


async def test_a_new_session_shows_a_code_until_it_is_scanned(start, receiver):
    async with start() as wasim:
        webhooks = [{"url": receiver.url, "events": ["session.status"]}]
        made = await wasim.control.post(
            "/api/sessions", json={"name": "new", "config": {"webhooks": webhooks}}
        )
        await wasim.post("settle")
        picture = await wasim.control.get("/api/new/auth/qr?format=image")
        raw = await wasim.control.get("/api/new/auth/qr?format=raw")
        as_json = await wasim.control.get("/api/new/auth/qr", headers={"Accept": "application/json"})
        early = await wasim.control.post(
            "/api/sendText", json={"session": "new", "chatId": MARIA, "text": "Oi"}
        )
        await wasim.post("sessions/new/status", status="WORKING", phone="5511888880000", pushName="Nova")
        await wasim.post("settle")
        me = await wasim.control.get("/api/sessions/new/me")
        late = await wasim.control.post(
            "/api/sendText", json={"session": "new", "chatId": MARIA, "text": "Oi"}
        )

    assert made.status_code == 201
    assert made.json()["status"] == "STARTING"
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["content-type"] == "image/png"
    assert raw.json()["value"].startswith("2@")
    assert as_json.json()["mimetype"] == "image/png"
    assert (early.status_code, early.json()["expected"]) == (422, ["WORKING"])
    assert statuses(receiver) == ["STARTING", "SCAN_QR_CODE", "WORKING"]
    assert me.json()["id"] == "5511888880000@c.us"
    assert late.status_code == 201


async def test_a_stopped_session_cannot_send_and_starts_again_by_itself_paired(wasim, receiver):
    await wasim.control.post("/api/sessions/shop/stop")
    refused = await wasim.control.post(
        "/api/sendText", json={"session": "shop", "chatId": MARIA, "text": "Oi"}
    )
    again = await wasim.control.post("/api/sessions/shop/stop")
    await wasim.control.post("/api/sessions/shop/start")
    await wasim.post("settle")

    assert refused.status_code == 404
    assert refused.json()["message"].startswith("We didn't find a session with name 'shop'.")
    assert again.json()["status"] == "STOPPED"
    assert sorted(statuses(receiver)) == ["STARTING", "STOPPED", "WORKING"]


async def test_a_logout_keeps_the_config_and_asks_for_a_new_scan(wasim):
    before = (await wasim.control.get("/api/sessions/shop")).json()
    await wasim.control.post("/api/sessions/shop/logout")
    await wasim.post("settle")
    after = (await wasim.control.get("/api/sessions/shop")).json()

    assert (before["status"], after["status"]) == ("WORKING", "SCAN_QR_CODE")
    assert after["me"] is None
    assert after["config"] == before["config"]


async def test_a_new_config_replaces_the_webhooks_and_restarts(wasim, receiver):
    webhooks = [{"url": receiver.url, "events": ["message"], "hmac": {"key": "other"}}]
    updated = await wasim.control.put("/api/sessions/shop", json={"config": {"webhooks": webhooks}})
    await wasim.post("settle")
    receiver.posts.clear()
    await wasim.post("sessions/shop/incoming", person=MARIA, content={"kind": "text", "text": "Oi"})
    await wasim.post("settle")

    assert updated.json()["config"] == {"webhooks": webhooks}
    assert [post.event for post in receiver.posts] == ["message"]


async def test_a_malformed_webhook_is_a_bad_request(wasim):
    config = {"webhooks": [{"events": ["message"]}]}
    refused = await wasim.control.put("/api/sessions/shop", json={"config": config})

    assert refused.status_code == 400
    assert refused.json()["message"] == ["config.webhooks: Object missing required field `url` - at `$[0]`"]


async def test_a_deleted_session_is_gone_and_deleting_it_again_is_fine(wasim):
    first = await wasim.control.delete("/api/sessions/shop")
    second = await wasim.control.delete("/api/sessions/shop")
    missing = await wasim.control.get("/api/sessions/shop")

    assert (first.status_code, second.status_code) == (200, 200)
    assert (missing.status_code, missing.json()["message"]) == (404, "Session not found")


async def test_an_unknown_path_is_answered_as_nest_does(wasim):
    answer = await wasim.control.get("/api/unknown")
    assert (answer.status_code, answer.json()) == (
        404,
        {"statusCode": 404, "message": "Cannot GET /api/unknown", "error": "Not Found"},
    )


async def test_what_arrives_while_a_session_is_down_comes_in_a_burst(wasim, receiver):
    await wasim.post("sessions/shop/status", status="STARTING")
    for body in ("one", "two"):
        await wasim.post("sessions/shop/incoming", person=MARIA, content={"kind": "text", "text": body})
    await wasim.post("settle")
    assert receiver.payloads("message") == []

    await wasim.post("sessions/shop/status", status="WORKING")
    await wasim.post("settle")
    assert sorted(payload["body"] for payload in receiver.payloads("message")) == ["one", "two"]
