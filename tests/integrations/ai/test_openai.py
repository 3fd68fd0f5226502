"""Chats and transcriptions with a provider, as they are asked for and read."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.ai.chat import Answer, Finish, ToolCall, ToolSpec, Usage, result_of, system, user
from domain.ai.transcript import Transcript
from integrations.ai.openai import OpenAiChat, OpenAiTranscriber
from integrations.errors import Malformed, Rejected, Unavailable
from tests.integrations.ai.provider import KEY, StandIn, calling, raw_server, standing_in

FIND = ToolSpec(
    name="find_contact",
    description="Finds a contact.",
    parameters={"type": "object", "properties": {"name": {"type": "string"}}},
)
CALL = {"id": "c1", "type": "function", "function": {"name": "find_contact", "arguments": '{"name":"Maria"}'}}


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with standing_in() as one:
        yield one


@pytest.fixture
async def chat(stand_in: StandIn) -> AsyncIterator[OpenAiChat]:
    async with calling(stand_in.url) as provider:
        yield OpenAiChat(provider=provider, model="gpt-4o-mini")


@pytest.fixture
async def transcriber(stand_in: StandIn) -> AsyncIterator[OpenAiTranscriber]:
    async with calling(stand_in.url) as provider:
        yield OpenAiTranscriber(provider=provider, model="whisper-1")


def completion(message: object, *, finish: object = "stop", **more: object) -> dict:
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}]} | more


def said(text: object) -> dict:
    return completion({"role": "assistant", "content": text})


async def test_an_answer_is_read_with_what_it_took(stand_in: StandIn, chat: OpenAiChat) -> None:
    usage = {"prompt_tokens": 20, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 16}}
    stand_in.says(said("Olá!") | {"model": "gpt-4o-mini-2024-07-18", "usage": usage})

    answer = await chat.complete([system("Be kind."), user("Oi")], max_tokens=50, temperature=0.1)

    assert answer == Answer(
        text="Olá!",
        usage=Usage(prompt_tokens=20, completion_tokens=3, cached_tokens=16),
        finish=Finish.STOP,
        model="gpt-4o-mini-2024-07-18",
    )
    (asked,) = stand_in.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Oi"}],
        "max_tokens": 50,
        "temperature": 0.1,
    }


async def test_tools_are_offered_called_and_answered(stand_in: StandIn, chat: OpenAiChat) -> None:
    stand_in.says(completion({"content": None, "tool_calls": [CALL]}, finish="tool_calls"))

    answer = await chat.complete([user("Who is Maria?")], tools=[FIND])
    stand_in.says(said("A customer."))
    await chat.complete([user("Who is Maria?"), answer.turn, result_of(answer.tool_calls[0], "a customer")])

    assert answer.finish is Finish.TOOL_CALLS
    assert answer.tool_calls == (ToolCall(id="c1", name="find_contact", arguments={"name": "Maria"}),)
    first, second = (one.body for one in stand_in.asked)
    assert first["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "find_contact",
                "description": "Finds a contact.",
                "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
            },
        }
    ]
    assert second["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "a customer", "tool_call_id": "c1"},
    ]


async def test_pictures_go_along_as_data(stand_in: StandIn, chat: OpenAiChat) -> None:
    stand_in.says(said("A cat."))

    await chat.complete([user("What is it?", images=(("image/png", b"\x89PNG"),))], model="eyes")

    assert stand_in.asked[0].body["model"] == "eyes"
    assert stand_in.asked[0].body["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
    ]


@pytest.mark.parametrize(
    ("schema", "is_strict"),
    [
        ({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, False),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, False),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "array", "items": {"type": "object"}}},
                "required": ["a"],
                "additionalProperties": False,
            },
            False,
        ),
    ],
)
async def test_a_schema_is_strict_only_where_providers_can_keep_it(
    stand_in: StandIn, chat: OpenAiChat, schema: dict, is_strict: bool
) -> None:
    stand_in.says(said('{"a": 1}'))

    answer = await chat.complete([user("Oi")], schema=schema)

    assert answer.text == '{"a": 1}'
    assert stand_in.asked[0].body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": is_strict},
    }


@pytest.mark.parametrize("model", ["o3-mini", "gpt-5", "gpt-5.1-mini", "openai/o4-mini"])
async def test_reasoning_models_are_asked_in_their_way(
    stand_in: StandIn, chat: OpenAiChat, model: str
) -> None:
    stand_in.says(said("Oi"))

    await chat.complete([user("Oi")], model=model, max_tokens=9, temperature=0.0)

    assert stand_in.asked[0].body == {
        "model": model,
        "messages": [{"role": "user", "content": "Oi"}],
        "max_completion_tokens": 9,
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (said([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), ("ab", Finish.STOP)),
        (completion({"content": "half"}, finish="length"), ("half", Finish.LENGTH)),
        (completion({"content": None, "tool_calls": [{"broken": 1}]}, finish="length"), ("", Finish.LENGTH)),
        (completion({"content": None}, finish="content_filter"), ("", Finish.FILTERED)),
        (completion({"content": None, "refusal": "No."}), ("No.", Finish.FILTERED)),
        (completion({"content": "done"}, finish="eos"), ("done", Finish.STOP)),
        (said("nul \0"), ("nul \ufffd", Finish.STOP)),
        (said("") | {"usage": {"prompt_tokens": -1, "completion_tokens": True}}, ("", Finish.STOP)),
    ],
)
async def test_answers_of_other_habits_are_read(
    stand_in: StandIn, chat: OpenAiChat, body: dict, expected: tuple[str, Finish]
) -> None:
    stand_in.says(body)

    answer = await chat.complete([user("Oi")])

    assert (answer.text, answer.finish) == expected
    assert (answer.tool_calls, answer.usage, answer.model) == ((), None, "gpt-4o-mini")


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ({"name": "f", "arguments": ""}, {}),
        ({"name": "f"}, {}),
        ({"name": "f", "arguments": {"a": 1}}, {"a": 1}),
        ({"name": "f", "arguments": '{"a": "\\ud83d"}'}, {"a": "\ufffd"}),
    ],
)
async def test_arguments_of_other_habits_are_read(
    stand_in: StandIn, chat: OpenAiChat, function: dict, arguments: dict
) -> None:
    stand_in.says(completion({"content": "", "tool_calls": [{"function": function}]}))

    answer = await chat.complete([user("Oi")])

    assert answer.tool_calls == (ToolCall(id="call_0", name="f", arguments=arguments),)
    assert answer.finish is Finish.TOOL_CALLS


def calls(*functions: object) -> dict:
    return completion(
        {"tool_calls": [{"id": "c", "function": one} for one in functions]}, finish="tool_calls"
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "NOT_JSON"),
        (b"<html>Bad gateway</html>", "NOT_JSON"),
        (b'{"choices": [{"message": {"content": "Ol', "NOT_JSON"),
        (b"[1]", "NOT_JSON"),
        (b"\xff\xfe", "NOT_JSON"),
        (b'{"choices":' + b"[" * 100_000, "NOT_JSON"),
        (b" " * (8 * 1024 * 1024 + 1), "TOO_LARGE"),
        ({}, "NO_CHOICES"),
        ({"choices": []}, "NO_CHOICES"),
        ({"choices": {"0": 1}}, "NO_CHOICES"),
        ({"choices": ["text"]}, "NO_CHOICES"),
        ({"choices": [{"finish_reason": "stop"}]}, "NO_MESSAGE"),
        (completion("text"), "NO_MESSAGE"),
        (completion({"content": "Oi"}, finish=None), "NO_FINISH"),
        (completion({"content": "Oi"}, finish=3), "NO_FINISH"),
        (completion({"role": "assistant"}), "NO_TEXT"),
        (said(None), "NO_TEXT"),
        (said(12), "NO_TEXT"),
        (said([{"type": "text", "text": 12}]), "NO_TEXT"),
        (completion({"content": "x"}, finish="tool_calls"), "NO_TOOL_CALLS"),
        (completion({"tool_calls": "x"}), "BAD_TOOL_CALL"),
        (completion({"tool_calls": ["x"]}), "BAD_TOOL_CALL"),
        (calls({"arguments": "{}"}), "BAD_TOOL_CALL"),
        (calls({"name": 7, "arguments": "{}"}), "BAD_TOOL_CALL"),
        (calls({"name": "f"}, {"name": "g"}), "BAD_TOOL_CALL"),
        (calls({"name": "f", "arguments": '{"a": 1'}), "BAD_ARGUMENTS"),
        (calls({"name": "f", "arguments": "[1]"}), "BAD_ARGUMENTS"),
        (calls({"name": "f", "arguments": '"text"'}), "BAD_ARGUMENTS"),
        (calls({"name": "f", "arguments": 5}), "BAD_ARGUMENTS"),
        (calls({"name": "f", "arguments": "[" * 50_000}), "BAD_ARGUMENTS"),
    ],
)
async def test_an_answer_that_nobody_can_read_is_malformed(
    stand_in: StandIn, chat: OpenAiChat, body: object, code: str
) -> None:
    stand_in.says(body)

    with pytest.raises(Malformed) as caught:
        await chat.complete([user("Oi")])

    assert caught.value.code == code


@pytest.mark.parametrize("text", ["Sure! Here it is:", "[1]", '{"a": ', ""])
async def test_text_instead_of_the_asked_json_is_malformed(
    stand_in: StandIn, chat: OpenAiChat, text: str
) -> None:
    stand_in.says(said(text))

    with pytest.raises(Malformed) as caught:
        await chat.complete([user("Oi")], schema={"type": "object"})

    assert caught.value.code == "NOT_JSON"


async def test_a_question_that_is_no_json_is_rejected(stand_in: StandIn, chat: OpenAiChat) -> None:
    with pytest.raises(Rejected) as caught:
        await chat.complete([user("Oi")], schema={"a": object()})

    assert (caught.value.code, stand_in.asked) == ("INVALID_REQUEST", [])


async def test_an_answer_cut_off_may_come_whole_later() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    async with raw_server(lambda writer: writer.write(head + b'{"choices": [')) as url:
        async with calling(url) as provider:
            with pytest.raises(Unavailable) as caught:
                await OpenAiChat(provider=provider, model="m").complete([user("Oi")])

    assert caught.value.code == "NO_ANSWER"


async def test_a_recording_is_sent_as_a_form_and_its_transcript_read(
    stand_in: StandIn, transcriber: OpenAiTranscriber, tmp_path: Path
) -> None:
    recording = tmp_path / "sound"
    recording.write_bytes(b"OggS" + bytes(200_000))
    stand_in.says({"text": " Oi, tudo bem? ", "language": "portuguese", "duration": 3.5, "segments": []})

    transcript = await transcriber.transcribe(
        recording, mime_type="audio/ogg; codecs=opus", language="pt", prompt="Ventros"
    )

    assert transcript == Transcript(
        text="Oi, tudo bem?", language="portuguese", duration_seconds=3.5, model="whisper-1"
    )
    (asked,) = stand_in.asked
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    for part in (
        b'name="model"\r\n\r\nwhisper-1\r\n',
        b'name="response_format"\r\n\r\nverbose_json\r\n',
        b'name="language"\r\n\r\npt\r\n',
        b'name="prompt"\r\n\r\nVentros\r\n',
        b'name="file"; filename="recording.ogg"\r\nContent-Type: audio/ogg\r\n\r\nOggS' + bytes(200_000),
    ):
        assert part in asked.raw


async def test_a_later_transcription_model_is_asked_for_json(
    stand_in: StandIn, transcriber: OpenAiTranscriber, tmp_path: Path
) -> None:
    (tmp_path / "sound").write_bytes(b"ID3")
    stand_in.says({"text": "Oi"})

    transcript = await transcriber.transcribe(
        tmp_path / "sound", mime_type="audio/mpeg", model="gpt-4o-transcribe"
    )

    assert transcript == Transcript(text="Oi", model="gpt-4o-transcribe")
    assert b'name="response_format"\r\n\r\njson\r\n' in stand_in.asked[0].raw
    assert b'name="language"' not in stand_in.asked[0].raw


@pytest.mark.parametrize("body", [{}, {"text": None}, {"text": ["Oi"]}])
async def test_a_transcript_without_text_is_malformed(
    stand_in: StandIn, transcriber: OpenAiTranscriber, tmp_path: Path, body: dict
) -> None:
    (tmp_path / "sound").write_bytes(b"ID3")
    stand_in.says(body)

    with pytest.raises(Malformed) as caught:
        await transcriber.transcribe(tmp_path / "sound", mime_type="audio/mpeg")

    assert caught.value.code == "NO_TEXT"


async def test_a_recording_that_is_gone_is_rejected(
    stand_in: StandIn, transcriber: OpenAiTranscriber, tmp_path: Path
) -> None:
    with pytest.raises(Rejected) as caught:
        await transcriber.transcribe(tmp_path / "gone", mime_type="audio/mpeg")

    assert (caught.value.code, stand_in.asked) == ("NO_FILE", [])


async def test_models_are_listed(stand_in: StandIn) -> None:
    stand_in.says({"data": [{"id": "a"}, {"id": 3}, "x", {"id": "b"}]})
    async with calling(stand_in.url) as provider:
        names = await provider.models()

    assert (names, stand_in.asked[0].path) == (("a", "b"), "/v1/models")
