"""Stored chats and messages: paging, filters, both address forms, sends of every engine."""

import base64

import pytest

MARIA = "5511999990001"
JOAO = "5511999990002"


def text(body: str) -> dict:
    return {"kind": "text", "text": body}


async def fill(wasim):
    """Ten messages to the account, five by it, a minute apart, all in Maria's chat."""
    for i in range(15):
        own = i % 3 == 2
        call = {"content": text(f"m{i}"), "waId": f"ID{i}", "timestamp": 1784000000 + 60 * i}
        if own:
            await wasim.post("sessions/shop/typed", chat=MARIA, **call)
        else:
            await wasim.post("sessions/shop/incoming", person=MARIA, **call)


async def bodies(wasim, query, chat="all"):
    answer = await wasim.control.get(f"/api/shop/chats/{chat}/messages?{query}")
    return [message["body"] for message in answer.json()]


async def test_pages_run_from_the_newest_to_the_oldest(start):
    async with start(autoAcks=False) as wasim:
        await fill(wasim)
        assert await bodies(wasim, "limit=4") == ["m14", "m13", "m12", "m11"]
        assert await bodies(wasim, "limit=4&offset=12") == ["m2", "m1", "m0"]
        assert await bodies(wasim, "limit=4&offset=16") == []
        assert await bodies(wasim, "limit=2&sortOrder=asc") == ["m0", "m1"]
        assert len(await bodies(wasim, "")) == 10


async def test_filters_cut_by_time_author_and_ack(start):
    async with start(autoAcks=False) as wasim:
        await fill(wasim)
        window = "filter.timestamp.gte=1784000060&filter.timestamp.lte=1784000180"
        assert await bodies(wasim, window) == ["m3", "m2", "m1"]
        assert await bodies(wasim, f"{window}&filter.fromMe=true") == ["m2"]
        await wasim.post("sessions/shop/ack", message="ID2", ack=3)
        assert await bodies(wasim, "filter.ack=READ") == ["m2"]


async def test_a_revoked_message_leaves_a_gap_in_its_page(start):
    async with start(autoAcks=False) as wasim:
        await fill(wasim)
        await wasim.post("sessions/shop/revoke", message="ID13")
        assert await bodies(wasim, "limit=3") == ["m14", "m12"]
        assert await bodies(wasim, "limit=3&offset=3") == ["m11", "m10", "m9"]


async def test_both_address_forms_are_one_chat_unless_merging_is_off(start):
    async with start(autoAcks=False) as wasim:
        people = await wasim.get("people")
        lid = people[0]["lid"]
        for form in ("cus", "lid"):
            await wasim.post("sessions/shop/incoming", person=MARIA, content=text(form), form=form)
        assert await bodies(wasim, "limit=9", f"{MARIA}%40c.us") == ["lid", "cus"]
        assert await bodies(wasim, "limit=9", f"{lid}%40lid") == ["lid", "cus"]
        assert await bodies(wasim, "limit=9&merge=false", f"{MARIA}%40c.us") == ["cus"]
        assert await bodies(wasim, "limit=9&merge=false", f"{lid}%40lid") == ["lid"]
        overview = (await wasim.control.get("/api/shop/chats/overview")).json()
        assert [row["id"] for row in overview] == [f"{MARIA}@c.us"]


async def test_a_message_is_found_by_full_bare_and_other_form_ids(start):
    async with start(autoAcks=False) as wasim:
        sent = await wasim.post("sessions/shop/incoming", person=MARIA, content=text("Oi"))
        lid = (await wasim.get("people"))[0]["lid"]
        for message_id in (sent["id"], sent["waId"], f"false_{lid}@lid_{sent['waId']}"):
            found = await wasim.control.get(f"/api/shop/chats/all/messages/{message_id}")
            assert found.json()["body"] == "Oi"
        wrong_side = await wasim.control.get(f"/api/shop/chats/all/messages/true_{MARIA}@c.us_{sent['waId']}")
        assert wrong_side.status_code == 404


async def test_a_generated_past_is_listed_but_never_announced(start, receiver):
    async with start() as wasim:
        made = await wasim.post("sessions/shop/history", chats=3, messages=7, days=10)
        again = await wasim.post("sessions/shop/history", chats=3, messages=7, days=10)
        await wasim.post("settle")
        assert (made, again) == ({"messages": 21}, {"messages": 21})
        assert len(await bodies(wasim, "limit=100")) == 21
        chats = (await wasim.control.get("/api/shop/chats?limit=2")).json()
        assert len(chats) == 2

    assert receiver.posts == []


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB", "WEBJS"])
async def test_a_sent_file_can_be_fetched_from_the_url_of_its_echo(start, receiver, engine):
    file = {
        "data": base64.b64encode(b"%PDF-real").decode(),
        "mimetype": "application/pdf",
        "filename": "a.pdf",
    }
    async with start(engine, apiKey="k") as wasim:
        await wasim.control.post(
            "/api/sendFile", json={"session": "shop", "chatId": MARIA, "file": file, "caption": "Veja"}
        )
        await wasim.post("settle")
        [echo] = receiver.payloads("message.any")
        got = await wasim.control.get(echo["media"]["url"])
        without_key = await wasim.control.get(echo["media"]["url"], headers={"X-Api-Key": ""})

    assert (got.content, got.headers["content-type"]) == (b"%PDF-real", "application/pdf")
    assert echo["media"]["filename"] == "a.pdf"
    assert echo["body"] == "Veja"
    assert without_key.status_code == 401


async def test_a_voice_note_is_played_in_the_end(wasim, receiver):
    file = {"data": "T2dnUw==", "mimetype": "audio/ogg; codecs=opus"}
    await wasim.control.post("/api/sendVoice", json={"session": "shop", "chatId": MARIA, "file": file})
    await wasim.post("settle")

    assert sorted(ack["ack"] for ack in receiver.payloads("message.ack")) == [1, 2, 3, 4]


async def test_a_number_without_whatsapp_takes_a_message_and_gives_one_tick(wasim, receiver):
    sent = await wasim.control.post(
        "/api/sendText", json={"session": "shop", "chatId": "5511000000000@c.us", "text": "Oi"}
    )
    await wasim.post("settle")
    exists = await wasim.control.get("/api/contacts/check-exists?session=shop&phone=5511000000000")

    assert sent.status_code == 201
    assert [ack["ack"] for ack in receiver.payloads("message.ack")] == [1]
    assert exists.json() == {"numberExists": False}


async def test_check_exists_answers_the_number_that_whatsapp_knows(wasim):
    await wasim.post("people", phone="551199990007", name="Old number")
    found = await wasim.control.get("/api/contacts/check-exists?session=shop&phone=%2B5511999990007")

    assert found.json() == {"numberExists": True, "chatId": "551199990007@c.us"}


async def test_group_receipts_come_once_for_each_member(wasim, receiver):
    await wasim.post("people", phone=JOAO, name="João", receipts="delivered")
    group = await wasim.post(
        "sessions/shop/groups", subject="Equipe", members=[{"person": MARIA}, {"person": JOAO}]
    )
    await wasim.control.post(
        "/api/sendText", json={"session": "shop", "chatId": group["id"], "text": "Aviso"}
    )
    await wasim.post("settle")

    acks = [(ack["participant"], ack["ack"]) for ack in receiver.payloads("message.ack.group")]
    assert sorted(acks) == [(f"{MARIA}@c.us", 2), (f"{MARIA}@c.us", 3), (f"{JOAO}@c.us", 2)]
    assert receiver.payloads("message.ack") == []


async def test_seen_clears_the_unread_count(wasim):
    await wasim.post("sessions/shop/incoming", person=MARIA, content=text("Oi"))
    assert (await wasim.get("sessions/shop/chats"))[0]["unread"] == 1
    await wasim.control.post("/api/sendSeen", json={"session": "shop", "chatId": MARIA})
    assert (await wasim.get("sessions/shop/chats"))[0]["unread"] == 0


async def test_an_edit_and_a_revoke_through_the_api_are_announced_and_kept(wasim, receiver):
    sent = await wasim.control.post("/api/sendText", json={"session": "shop", "chatId": MARIA, "text": "Oi"})
    path = f"/api/shop/chats/{MARIA}%40c.us/messages/{sent.json()['id']}"
    await wasim.control.put(path, json={"text": "Olá"})
    assert (await wasim.control.get(path)).json()["body"] == "Olá"
    await wasim.control.delete(path)
    await wasim.post("settle")

    [edited] = receiver.payloads("message.edited")
    [revoked] = receiver.payloads("message.revoked")
    wa_id = sent.json()["id"].split("_")[2]
    assert (edited["body"], edited["editedMessageId"], edited["source"]) == ("Olá", wa_id, "api")
    assert (revoked["revokedMessageId"], revoked["after"]["fromMe"]) == (wa_id, True)
