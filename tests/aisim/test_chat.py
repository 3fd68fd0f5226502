"""A chat is answered in the shapes of OpenAI, mistakes included."""

import base64

import pytest

from aisim.testing import running
from tests.aisim.conftest import Client, picture, text
from wasim.content import Audio, Image
from wasim.media import file_of

LONG = " ".join(f"palavra{number}" for number in range(1000))


async def test_an_answer_has_every_field_of_a_completion(client):
    answer = await client.ask("Vocês entregam?")

    assert answer["object"] == "chat.completion"
    assert answer["id"].startswith("chatcmpl-")
    assert answer["model"] == "m"
    assert isinstance(answer["created"], int)
    [choice] = answer["choices"]
    assert (choice["index"], choice["finish_reason"], choice["logprobs"]) == (0, "stop", None)
    assert choice["message"] == {
        "role": "assistant",
        "content": "Entregamos num raio de 5 km, das 8h às 17h; acima de R$ 100,00 a entrega é grátis.",
        "refusal": None,
        "annotations": [],
    }


async def test_tokens_are_four_for_every_three_words(client):
    usage = (await client.ask("Vocês entregam?"))["usage"]

    # "user:" and two words; 18 words in the answer.
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (4, 24, 28)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0


async def test_the_beginning_of_an_earlier_prompt_is_cached(client):
    cached = []
    for question in (LONG, LONG, f"{LONG} e mais", f"Outra {LONG}", "Oi"):
        usage = (await client.ask(question))["usage"]
        cached.append(usage["prompt_tokens_details"]["cached_tokens"])

    # 1001 words with "user:"; ten whole blocks of 96 words, 128 tokens each.
    assert cached == [0, 1280, 1280, 0, 0]


async def test_the_same_question_gets_the_same_answer_with_the_same_id(ai, client):
    first = await client.ask("Oi! Quanto custa o pão?")
    await ai.reset()
    second = await client.ask("Oi! Quanto custa o pão?")

    assert first | {"created": 0} == second | {"created": 0}


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_limit_cuts_the_answer(client, name):
    answer = await client.ask("Vocês entregam?", **{name: 8})

    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["choices"][0]["message"]["content"] == "Entregamos num raio de 5 km,"
    assert answer["usage"]["completion_tokens"] == 8


@pytest.mark.parametrize(
    ("given", "code"), [({}, None), ({"authorization": "Bearer wrong"}, "invalid_api_key")]
)
async def test_without_the_right_key_nothing_is_answered(given, code):
    async with running({"apiKey": "right"}) as ai:
        del ai.client.headers["authorization"]
        answers = [
            await ai.client.get("/v1/models", headers=given),
            await ai.client.post("/v1/chat/completions", json={}, headers=given),
            await ai.client.post("/v1/audio/transcriptions", headers=given),
        ]
        right = await ai.client.get("/v1/models", headers={"authorization": "Bearer right"})
        ping = await ai.client.get("/ping")

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert {answer.json()["error"]["code"] for answer in answers} == {code}
    assert "wrong" not in answers[0].text
    assert (right.status_code, ping.json()) == (200, {"message": "pong"})


async def test_models_are_listed(ai):
    body = (await ai.client.get("/v1/models")).json()

    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["aisim-chat", "gpt-4o-mini", "whisper-1"]
    assert {model["object"] for model in body["data"]} == {"model"}


async def test_only_listed_models_answer_when_that_is_wanted():
    async with running({"onlyListedModels": True}) as ai:
        client = Client(ai)
        status, error = await client.error("Oi")
        known = await client.ask("Oi", model="aisim-chat")

    assert (status, error["code"]) == (404, "model_not_found")
    assert known["model"] == "aisim-chat"


async def test_a_prompt_that_is_too_long_is_refused():
    async with running({"contextTokens": 100}) as ai:
        status, error = await Client(ai).error(LONG)

    assert (status, error["code"]) == (400, "context_length_exceeded")


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("messages", "more", "message"),
    [
        ([], {}, "at least one message"),
        ([{"role": "robot", "content": "Oi"}], {}, "Invalid value: 'robot'"),
        ([{"role": "user", "content": None}], {}, "got null"),
        ([{"role": "user", "content": [{"type": "video"}]}], {}, "Invalid value: 'video'"),
        ([{"role": "tool", "content": "x"}], {}, "Missing parameter 'tool_call_id'"),
        ([{"role": "tool", "tool_call_id": "a", "content": "x"}], {}, "must be a response"),
        (
            [{"role": "assistant", "tool_calls": [CALL]}, "Oi"],
            {},
            "did not have response messages: call_1",
        ),
        (["Oi"], {"model": ""}, "you must provide a model"),
        (["Oi"], {"max_tokens": 0}, "Invalid 'max_tokens'"),
        (["Oi"], {"tools": [{"type": "function"}]}, "tools[0]"),
        (["Oi"], {"tool_choice": "required"}, "Invalid value for 'tool_choice'"),
        (["Oi"], {"response_format": {"type": "yaml"}}, "Invalid 'response_format'"),
        (["Oi"], {"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        ([[picture(b"no picture")]], {}, "unsupported image"),
        ([[{"type": "image_url", "image_url": {"url": "data:image/png;base64,*"}}]], {}, "not base64"),
    ],
)
async def test_what_openai_refuses_is_refused(client, messages, more, message):
    status, error = await client.error(*messages, **more)

    assert (status, error["type"]) == (400, "invalid_request_error")
    assert message in error["message"]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "object", "properties": {}}, "In context=(), 'additionalProperties'"),
        (
            {"type": "object", "additionalProperties": False, "properties": {"a": {}}, "required": []},
            "Missing 'a'",
        ),
        (
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["a"],
                "properties": {"a": {"type": "array", "items": {"type": "object"}}},
            },
            "In context=('properties', 'a', 'items'), 'additionalProperties'",
        ),
    ],
)
async def test_a_strict_schema_must_be_strict(client, schema, message):
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    assert await client.ask("Oi", response_format=wanted)

    wanted["json_schema"]["strict"] = True
    status, error = await client.error("Oi", response_format=wanted)

    assert status == 400
    assert message in error["message"]


async def test_a_body_that_is_no_json_and_an_unknown_path_are_told_apart(ai):
    broken = await ai.client.post("/v1/chat/completions", content=b'{"model":')
    unknown = await ai.client.get("/v1/nothing")

    assert (broken.status_code, unknown.status_code) == (400, 404)
    assert "could not parse the JSON body" in broken.json()["error"]["message"]
    assert unknown.json()["error"]["message"] == "Invalid URL (GET /v1/nothing)"


async def test_a_picture_is_seen_and_a_sound_is_heard(client):
    shown = file_of(Image(description="Um bolo rosa com o nome Clara"), "s").data
    spoken = base64.b64encode(file_of(Audio(words="É para sábado"), "s").data).decode()
    sound = {"type": "input_audio", "input_audio": {"data": spoken, "format": "wav"}}

    described = await client.say([text("Descreva a imagem."), picture(shown)])
    answered = await client.say([text("Quero um assim"), picture(shown), sound])

    assert described == "Um bolo rosa com o nome Clara."
    assert answered == "Ouvi o seu áudio: “É para sábado”. Vi a foto: Um bolo rosa com o nome Clara."
