"""`POST /v1/audio/transcriptions`: says the words a file carries."""

import hashlib
import math

import msgspec
from starlette.responses import Response

from aisim import tokens
from aisim.call import Call, answer
from aisim.chat import raw_answer
from aisim.errors import (
    AUDIO_FORMATS,
    ApiError,
    invalid,
    no_audio,
    no_such_model,
    unrecognised_name,
)
from aisim.hearing import NoSound, Sound, hear
from aisim.language import NAMES, Language, detect
from aisim.multipart import Form, Upload, read_form
from aisim.wire import Body

LARGEST = 26_214_400
"""Bytes of a file, 25 MiB as with OpenAI."""

_SHORTEST = 0.1
_FORMATS = ("json", "text", "verbose_json")
_SENTENCE = 8
"""Words of a segment when the words have no full stops."""


async def transcriptions(call: Call) -> Response:
    """Answer with what is heard."""
    provider = call.provider
    form = read_form(call.request.headers.get("content-type", ""), call.raw)
    upload = form.files.get("file")
    call.asked.body = _show(form)
    fault = await call.strike(" ".join(form.fields.values()))
    model = form.fields.get("model")
    if not model:
        raise invalid("you must provide a model parameter", param="model")
    if provider.config.only_listed_models and model not in provider.config.models:
        raise no_such_model(model)
    if upload is None:
        raise invalid("you must provide a file parameter", param="file")
    wanted = _wanted(form, model)
    sound = _listen(upload)
    prepared = provider.take_prepared("transcriptions", sound.words or "")
    language = _language(form, sound)
    text = _words(sound, language)
    if prepared is not None:
        call.asked.outcome = "prepared"
        if prepared.raw is not msgspec.UNSET:
            return raw_answer(prepared)
        text = prepared.text or ""
    seconds = sound.seconds or 0.0
    if wanted == "text":
        return call.spoil(fault, Response(f"{text}\n", media_type="text/plain; charset=utf-8"))
    body: Body = {"text": text, "usage": _usage(model, text, seconds)}
    if wanted == "verbose_json":
        body |= {"task": "transcribe", "language": NAMES[language], "duration": round(seconds, 2)}
        body["segments"] = _segments(text, seconds)
    return call.spoil(fault, answer(body))


def _listen(upload: Upload) -> Sound:
    ending = upload.filename.rpartition(".")[2].lower() if "." in upload.filename else ""
    if ending not in AUDIO_FORMATS:
        raise unrecognised_name()
    if len(upload.data) > LARGEST:
        raise ApiError(
            413, f"Maximum content size limit ({LARGEST}) exceeded ({len(upload.data)} bytes read)"
        )
    try:
        sound = hear(upload.data)
    except NoSound as error:
        raise no_audio() from error
    if sound.seconds is not None and sound.seconds < _SHORTEST:
        raise invalid(
            "Audio file is too short. Minimum audio length is 0.1 seconds.",
            param="file",
            code="audio_too_short",
        )
    return sound


def _wanted(form: Form, model: str) -> str:
    wanted = form.fields.get("response_format") or "json"
    if wanted not in _FORMATS:
        listed = ", ".join(f"'{one}'" for one in _FORMATS)
        raise invalid(f"Invalid value: '{wanted}'. Supported values are: {listed}.", param="response_format")
    if wanted == "verbose_json" and model.startswith("gpt-4o"):
        raise invalid(
            f"response_format 'verbose_json' is not compatible with model '{model}'. Use 'json' or 'text' "
            "instead.",
            param="response_format",
            code="unsupported_value",
        )
    return wanted


def _language(form: Form, sound: Sound) -> Language:
    named = form.fields.get("language", "").lower()
    known: dict[str, Language] = {"pt": "pt", "en": "en", "es": "es"}
    return known.get(named[:2]) or detect(sound.words or "")


def _words(sound: Sound, language: Language) -> str:
    """The words, or a sentence that says how long nobody speaks."""
    if sound.words:
        return sound.words
    if sound.seconds is None:
        told: dict[Language, str] = {
            "pt": "Áudio sem palavras.",
            "en": "Audio without words.",
            "es": "Audio sin palabras.",
        }
        return told[language]
    timed: dict[Language, str] = {
        "pt": "Áudio de {} segundos sem palavras.",
        "en": "Audio of {} seconds without words.",
        "es": "Audio de {} segundos sin palabras.",
    }
    return timed[language].format(f"{round(sound.seconds, 1):g}")


def _segments(text: str, seconds: float) -> list[Body]:
    """The text in pieces of equal words, spread evenly over the time."""
    found = tokens.words(text)
    pieces = ["".join(found[at : at + _SENTENCE]) for at in range(0, len(found), _SENTENCE)]
    lengths = [len(tokens.words(piece)) for piece in pieces]
    shown: list[Body] = []
    for index, piece in enumerate(pieces):
        start = seconds * sum(lengths[:index]) / len(found)
        end = seconds * sum(lengths[: index + 1]) / len(found)
        shown.append(
            {
                "id": index,
                "seek": 0,
                "start": round(start, 2),
                "end": round(end, 2),
                "text": f" {piece.rstrip()}",
                "tokens": [],
                "temperature": 0.0,
                "avg_logprob": -0.2,
                "compression_ratio": 1.0,
                "no_speech_prob": 0.01,
            }
        )
    return shown


def _usage(model: str, text: str, seconds: float) -> Body:
    """Whisper is paid by the second, its successors by tokens."""
    if not model.startswith("gpt-4o"):
        return {"type": "duration", "seconds": math.ceil(seconds)}
    heard, said = math.ceil(seconds * 10), tokens.count(text)
    return {
        "type": "tokens",
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": said,
        "total_tokens": heard + said,
    }


def _show(form: Form) -> Body:
    files: Body = {
        name: {
            "filename": one.filename,
            "contentType": one.content_type,
            "size": len(one.data),
            "sha256": hashlib.sha256(one.data).hexdigest(),
        }
        for name, one in form.files.items()
    }
    return form.fields | files
