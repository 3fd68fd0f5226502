"""Misfortunes strike exactly when, where and as often as they were ordered."""

import json

import httpx2
import pytest

from aisim.app import create_app
from aisim.config import ProviderConfig
from aisim.testing import running
from tests.aisim.conftest import Client
from wasim.content import Voice
from wasim.media import file_of

VOICE = file_of(Voice(seconds=3, words="Oi"), "s").data


async def outcomes(ai):
    return [one["outcome"] for one in await ai.requests()]


async def test_a_rate_limit_says_when_to_come_back_and_ends_after_its_count(ai, client):
    await ai.fault("429", count=2, seconds=1.5)

    answers = [await client.post("Oi") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "2"
    assert answers[0].headers["retry-after-ms"] == "1500"
    assert answers[0].json()["error"]["code"] == "rate_limit_exceeded"
    assert await outcomes(ai) == ["429", "429", "answered"]


@pytest.mark.parametrize(
    ("fault", "status", "type_"), [("500", 500, "server_error"), ("quota", 429, "insufficient_quota")]
)
async def test_an_error_has_the_body_of_an_error(ai, client, fault, status, type_):
    await ai.fault(fault)

    answered, error = await client.error("Oi")

    assert (answered, error["type"]) == (status, type_)


async def test_a_slow_answer_comes_all_the_same(ai, client):
    await ai.fault("slow", seconds=0.01)

    assert await client.say("Vocês entregam?") == await client.say("Vocês entregam?")
    assert await outcomes(ai) == ["slow", "answered"]


async def test_a_slow_answer_does_not_keep_the_provider_from_stopping():
    async with running() as ai:
        await ai.fault("slow", seconds=3600)
        with pytest.raises(httpx2.TimeoutException):
            await ai.client.get("/v1/models", timeout=0.05)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_connection_is_cut_in_the_middle(ai, client, stream):
    await ai.fault("cut")

    received = b""
    body = {"model": "m", "messages": [{"role": "user", "content": "Oi"}], "stream": stream}
    with pytest.raises(httpx2.RemoteProtocolError):
        async with ai.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            async for piece in answer.aiter_raw():
                received += piece

    assert b"chatcmpl-" in received
    assert b"[DONE]" not in received
    assert await client.say("Oi")


async def test_a_transcription_and_the_models_can_be_cut_as_well(ai, client):
    await ai.fault("cut", count=2)

    with pytest.raises(httpx2.RemoteProtocolError):
        await client.transcribe(VOICE)
    with pytest.raises(httpx2.RemoteProtocolError):
        await ai.client.get("/v1/models")

    assert (await client.transcribe(VOICE)).json()["text"] == "Oi"


async def test_broken_json_is_no_json(ai, client):
    await ai.fault("bad_json", count=3)

    for answer in (await client.post("Oi"), await client.transcribe(VOICE)):
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    stream = (await client.post("Oi", stream=True)).text
    first, second = [line.removeprefix("data: ") for line in stream.split("\n\n") if line]
    assert json.loads(first)["choices"][0]["delta"]["role"] == "assistant"
    with pytest.raises(json.JSONDecodeError):
        json.loads(second)


async def test_a_wrong_shape_is_json_without_what_is_wanted(ai, client):
    await ai.fault("wrong_shape", count=4)

    assert await client.ask("Oi") == {"object": "unexpected"}
    assert await client.events("Oi") == [{"object": "unexpected"}, "[DONE]"]
    assert (await client.transcribe(VOICE)).json() == {"object": "unexpected"}
    assert (await ai.client.get("/v1/models")).json() == {"object": "unexpected"}


async def test_an_answer_without_choices(ai, client):
    await ai.fault("empty_choices", count=2)

    whole = await client.ask("Oi")
    [event, done] = await client.events("Oi")

    assert (whole["choices"], whole["object"]) == ([], "chat.completion")
    assert (event["choices"], event["object"], done) == ([], "chat.completion.chunk", "[DONE]")


async def test_a_filtered_answer_is_empty(ai, client):
    await ai.fault("refuse", count=2)

    whole = await client.ask("Oi")
    events = await client.events("Oi")

    assert whole["choices"][0]["message"]["content"] == ""
    assert whole["choices"][0]["finish_reason"] == "content_filter"
    assert whole["usage"]["completion_tokens"] == 0
    assert len(events) == 3
    assert events[1]["choices"][0]["finish_reason"] == "content_filter"


async def test_a_fault_strikes_only_what_it_is_ordered_for(ai, client):
    await ai.fault("500", endpoint="transcriptions")
    await ai.fault("429", containing="bolo")
    await ai.fault("refuse")

    answers = [
        await ai.client.get("/v1/models"),
        await client.transcribe(VOICE),
        await client.transcribe(VOICE),
        await client.post("Quero um bolo"),
        await client.post("Quero um pão"),
    ]

    assert [answer.status_code for answer in answers] == [200, 500, 200, 429, 200]
    assert await outcomes(ai) == ["answered", "500", "answered", "429", "refuse"]


async def test_chance_is_drawn_from_the_seed():
    drawn = []
    for seed in (1, 1, 2):
        async with running({"seed": seed}) as ai:
            await ai.fault("500", probability=0.5, count=None)
            drawn.append([(await ai.client.get("/v1/models")).status_code for _ in range(40)])

    assert drawn[0] == drawn[1] != drawn[2]
    assert 10 < drawn[0].count(500) < 30


async def test_faults_are_shown_and_cleared(ai, client):
    await ai.fault("500", count=None, endpoint="chat")
    shown = (await ai.client.get("/control/faults")).json()
    await ai.clear_faults()

    assert shown == [
        {
            "fault": "500",
            "endpoint": "chat",
            "count": None,
            "probability": 1.0,
            "seconds": 1.0,
            "containing": None,
        }
    ]
    assert await client.say("Oi")


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "nothing"},
        {"fault": "500", "probability": 0},
        {"fault": "refuse", "endpoint": "models"},
        {"fault": "500", "endpoint": "images"},
    ],
)
async def test_a_fault_that_cannot_be_is_refused(ai, fault):
    answer = await ai.client.post("/control/faults", json=fault)

    assert answer.status_code == 400
    assert (await ai.client.get("/control/faults")).json() == []


async def test_without_a_socket_a_cut_is_a_bad_gateway():
    transport = httpx2.ASGITransport(app=create_app(ProviderConfig()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://ai.test") as bare:
        await bare.post("/control/faults", json={"fault": "cut", "count": 2})
        whole = await bare.get("/v1/models")
        body = {"model": "m", "messages": [{"role": "user", "content": "Oi"}], "stream": True}
        stream = await bare.post("/v1/chat/completions", json=body)

    assert (whole.status_code, stream.status_code) == (502, 502)


async def test_the_key_is_checked_before_a_fault_is_used_up():
    async with running({"apiKey": "right"}) as ai:
        await ai.fault("500")
        wrong = await ai.client.get("/v1/models", headers={"authorization": "Bearer wrong"})
        status, _ = await Client(ai).error("Oi")

    assert (wrong.status_code, status) == (401, 500)
