"""Prepared answers are given in turn, and what was asked is on record."""

import base64
import hashlib

import pytest

from tests.aisim.conftest import picture, text
from wasim.content import Audio, Image, Voice
from wasim.media import file_of

VOICE = file_of(Voice(seconds=3, words="Quero um bolo"), "s").data


async def test_prepared_answers_are_given_in_their_order_and_once(ai, client):
    await ai.answer("um")
    await ai.answer("dois", finishReason="length")

    first, second, third = [(await client.ask("Vocês entregam?"))["choices"][0] for _ in range(3)]

    assert (first["message"]["content"], first["finish_reason"]) == ("um", "stop")
    assert (second["message"]["content"], second["finish_reason"]) == ("dois", "length")
    assert third["message"]["content"].startswith("Entregamos")
    assert [one["outcome"] for one in await ai.requests()] == ["prepared", "prepared", "answered"]


async def test_a_prepared_answer_waits_for_the_words_it_is_for(ai, client):
    await ai.answer("Sobre o bolo", containing="bolo", count=None)

    said = [await client.say(words) for words in ("Um bolo", "Vocês entregam?", "O bolo de ontem")]

    assert said[0] == said[2] == "Sobre o bolo"
    assert said[1].startswith("Entregamos")


async def test_prepared_calls_may_have_arguments_that_are_no_json(ai, client):
    made = [{"name": "add_note", "arguments": {"text": "x"}}, {"name": "escalate", "arguments": '{"reason":'}]
    await ai.answer(toolCalls=made)

    [choice] = (await client.ask("Oi"))["choices"]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert [one["function"] for one in choice["message"]["tool_calls"]] == [
        {"name": "add_note", "arguments": '{"text": "x"}'},
        {"name": "escalate", "arguments": '{"reason":'},
    ]


async def test_a_prepared_answer_is_streamed_when_that_is_asked_for(ai, client):
    await ai.answer("Certo, Maria.")

    events = await client.events("Oi")

    assert [one["choices"][0]["delta"].get("content") for one in events[1:-2]] == ["Certo, ", "Maria."]


@pytest.mark.parametrize(("raw", "sent"), [("no json", "no json"), ({"a": 1}, '{"a":1}'), (None, "null")])
async def test_a_raw_answer_is_given_as_it_is(ai, client, raw, sent):
    await ai.answer(raw=raw, status=503)
    await ai.answer(raw=raw, endpoint="transcriptions")

    chat = await client.post("Oi")
    heard = await client.transcribe(VOICE)

    assert (chat.status_code, chat.text) == (503, sent)
    assert (heard.status_code, heard.text) == (200, sent)


async def test_a_transcription_can_be_prepared(ai, client):
    await ai.answer("Outra coisa", endpoint="transcriptions", containing="bolo")

    heard = [(await client.transcribe(VOICE)).json()["text"] for _ in range(2)]

    assert heard == ["Outra coisa", "Quero um bolo"]


async def test_a_fault_strikes_before_a_prepared_answer_is_used_up(ai, client):
    await ai.answer("Certo!")
    await ai.fault("500")

    status, _ = await client.error("Oi")

    assert status == 500
    assert await client.say("Oi") == "Certo!"


async def test_prepared_answers_are_shown_and_cleared(ai, client):
    await ai.answer("Certo!")
    shown = (await ai.client.get("/control/answers")).json()
    await ai.client.delete("/control/answers")

    assert [(one["text"], one["count"], one["endpoint"]) for one in shown] == [("Certo!", 1, "chat")]
    assert "raw" not in shown[0]
    assert await client.say("Oi") != "Certo!"


@pytest.mark.parametrize("body", [b"{}", b'{"text": "x", "status": 500}', b'{"endpoint": "models"}', b"["])
async def test_an_answer_that_cannot_be_is_refused(ai, body):
    answer = await ai.client.post("/control/answers", content=body)

    assert answer.status_code == 400
    assert (await ai.client.get("/control/answers")).json() == []


async def test_the_record_holds_bodies_without_bytes_of_files(ai, client):
    shown, spoken = file_of(Image(), "s").data, file_of(Audio(), "s").data
    encoded = base64.b64encode(spoken).decode()
    sound = {"type": "input_audio", "input_audio": {"data": encoded, "format": "wav"}}
    await client.ask([text("Oi"), picture(shown), sound], temperature=0.2)

    [asked] = await ai.requests()

    assert asked["body"]["temperature"] == 0.2
    [words, image, audio] = asked["body"]["messages"][0]["content"]
    assert words == {"type": "text", "text": "Oi"}
    assert image["image_url"]["url"] == {
        "contentType": "image/jpeg",
        "size": len(shown),
        "sha256": hashlib.sha256(shown).hexdigest(),
    }
    assert audio["input_audio"] == {
        "format": "wav",
        "data": {
            "contentType": "audio/wav",
            "size": len(spoken),
            "sha256": hashlib.sha256(spoken).hexdigest(),
        },
    }


async def test_the_record_is_narrowed_by_what_is_asked(ai, client):
    await ai.fault("500", endpoint="chat")
    await client.error("Oi")
    await client.error()
    await client.ask("Oi")
    await ai.client.get("/v1/models")

    by_outcome = (await ai.client.get("/control/requests", params={"outcome": "400"})).json()

    assert [(one["outcome"], one["status"]) for one in await ai.requests("chat")] == [
        ("500", 500),
        ("400", 400),
        ("answered", 200),
    ]
    assert (by_outcome["count"], by_outcome["requests"][0]["number"]) == (1, 2)
    assert len(await ai.requests("models")) == 1


async def test_a_reset_forgets_everything(ai, client):
    await ai.answer("Certo!")
    await ai.fault("500")
    await ai.client.get("/v1/models")

    await ai.reset()

    assert await client.say("Oi") != "Certo!"
    assert [one["number"] for one in await ai.requests()] == [1]
