"""A transcription says the words that a file carries, in the shapes of OpenAI."""

import hashlib

import pytest

from aisim.transcriptions import LARGEST
from wasim.content import Audio, Voice
from wasim.media import file_of

WORDS = "Bom dia, eu queria um bolo para vinte pessoas no sábado, com recheio de morango."
VOICE = file_of(Voice(seconds=7, words=WORDS), "s").data


async def test_the_words_of_a_voice_note_are_transcribed(client):
    answer = await client.transcribe(VOICE)

    assert answer.json() == {"text": WORDS, "usage": {"type": "duration", "seconds": 7}}


async def test_a_text_is_plain(client):
    answer = await client.transcribe(VOICE, response_format="text")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == f"{WORDS}\n"


async def test_a_verbose_answer_tells_language_duration_and_segments(client):
    body = (await client.transcribe(VOICE, response_format="verbose_json")).json()

    assert (body["task"], body["language"], body["duration"]) == ("transcribe", "portuguese", 7.0)
    assert "".join(segment["text"] for segment in body["segments"]) == f" {WORDS}"
    times = [(segment["start"], segment["end"]) for segment in body["segments"]]
    assert times == [(0.0, 3.73), (3.73, 7.0)]


async def test_a_wav_is_heard_and_the_successors_of_whisper_count_tokens(client):
    wav = file_of(Audio(seconds=3, words="Good morning, do you deliver?"), "s").data

    answer = await client.transcribe(wav, "a.wav", model="gpt-4o-mini-transcribe")
    refused = await client.transcribe(wav, "a.wav", model="gpt-4o-transcribe", response_format="verbose_json")

    assert answer.json() == {
        "text": "Good morning, do you deliver?",
        "usage": {
            "type": "tokens",
            "input_tokens": 30,
            "input_token_details": {"text_tokens": 0, "audio_tokens": 30},
            "output_tokens": 7,
            "total_tokens": 37,
        },
    }
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unsupported_value")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("", "Áudio de 12 segundos sem palavras."),
        ("en", "Audio of 12 seconds without words."),
        ("es", "Audio de 12 segundos sin palabras."),
    ],
)
async def test_a_file_without_words_is_described_by_its_length(client, language, said):
    answer = await client.transcribe(file_of(Voice(seconds=12), "s").data, language=language)

    assert answer.json()["text"] == said


@pytest.mark.parametrize(
    ("data", "name", "fields", "status", "message"),
    [
        (b"hello", "a.ogg", {}, 400, "Invalid file format. Supported formats: ["),
        (VOICE, "a.txt", {}, 400, "Unrecognized file format. Supported formats: ["),
        (VOICE, "voice", {}, 400, "Unrecognized file format. Supported formats: ["),
        (file_of(Voice(seconds=0), "s").data, "a.ogg", {}, 400, "Audio file is too short."),
        (b"OggS" + bytes(LARGEST), "a.ogg", {}, 413, "Maximum content size limit (26214400) exceeded"),
        (VOICE, "a.ogg", {"model": ""}, 400, "you must provide a model parameter"),
        (VOICE, "a.ogg", {"response_format": "yaml"}, 400, "Invalid value: 'yaml'."),
    ],
)
async def test_what_openai_refuses_is_refused(client, data, name, fields, status, message):
    answer = await client.transcribe(data, name, **fields)

    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(message)


async def test_a_form_without_file_and_a_body_without_form_are_refused(ai):
    path = "/v1/audio/transcriptions"
    without = await ai.client.post(path, files={"other": ("a.ogg", VOICE)}, data={"model": "whisper-1"})
    json = await ai.client.post(path, json={"model": "whisper-1"})
    cut = await ai.client.post(
        path, content=b"--x\r\n", headers={"content-type": "multipart/form-data; boundary=x"}
    )

    messages = [answer.json()["error"]["message"] for answer in (without, json, cut)]
    assert messages == [
        "you must provide a file parameter",
        "The body must be multipart/form-data with a boundary, but is 'application/json'.",
        "The form ends before its last boundary.",
    ]


async def test_the_record_names_a_file_and_holds_no_byte_of_it(ai, client):
    await client.transcribe(VOICE, 'Maria "2".oga', language="pt")

    [asked] = await ai.requests("transcriptions")
    assert asked == {
        "number": 1,
        "endpoint": "transcriptions",
        "outcome": "answered",
        "status": 200,
        "body": {
            "model": "whisper-1",
            "language": "pt",
            "file": {
                "filename": 'Maria "2".oga',
                "contentType": "audio/ogg",
                "size": len(VOICE),
                "sha256": hashlib.sha256(VOICE).hexdigest(),
            },
        },
    }
