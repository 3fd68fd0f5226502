"""What `ventros doctor` says of the provider of AI models, and of the parts that are made of it."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from integrations.ai.local_whisper import LocalWhisper
from integrations.ai.openai import OpenAiChat, OpenAiTranscriber
from tests.integrations.ai.provider import KEY, StandIn, raw_server, standing_in
from ventros import doctor
from ventros.settings import Settings
from ventros.wiring import connected


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with standing_in() as one:
        yield one


def settings(url: str, **more: object) -> Settings:
    return Settings.model_validate({"ai_url": url, "ai_key": KEY, **more})


async def test_no_provider_is_no_fault() -> None:
    found = await doctor._models(settings(""))

    assert found == (True, "AI provider", "VENTROS_AI_URL is not set; no model is asked")


async def test_a_provider_with_all_models_is_well(stand_in: StandIn) -> None:
    stand_in.says({"data": [{"id": "gpt-4o-mini"}, {"id": "whisper-1"}, {"id": "other"}]})

    found = await doctor._models(settings(stand_in.url))

    assert found == (True, "AI provider", f"{stand_in.url} answers and has gpt-4o-mini, whisper-1")


async def test_missing_models_are_named(stand_in: StandIn) -> None:
    stand_in.says({"data": [{"id": "gpt-4o-mini"}]})

    is_well, _, text = await doctor._models(settings(stand_in.url, ai_vision_model="eyes"))

    assert not is_well
    assert text.startswith(f"{stand_in.url} has no model eyes, whisper-1 among its 1; set VENTROS_AI_MODEL")


async def test_a_provider_without_a_list_is_well(stand_in: StandIn) -> None:
    stand_in.says({}, status=404)

    assert (await doctor._models(settings(stand_in.url)))[0]


@pytest.mark.parametrize(
    ("status", "body", "advice"),
    [
        (401, {}, "answered 401. Set VENTROS_AI_KEY to a key of this provider."),
        (200, b"<html>", "no JSON object. Set VENTROS_AI_URL to an OpenAI-compatible address"),
        (500, {}, "answered 500."),
    ],
)
async def test_what_is_wrong_is_told_with_what_to_do(
    stand_in: StandIn, status: int, body: object, advice: str
) -> None:
    stand_in.says(body, status=status)

    is_well, _, text = await doctor._models(settings(stand_in.url))

    assert not is_well
    assert advice in text
    assert KEY not in text


async def test_a_provider_that_is_away_is_told() -> None:
    async with raw_server(lambda _: None) as url:
        pass

    is_well, _, text = await doctor._models(settings(url))

    assert not is_well
    assert "Start the provider, or set VENTROS_AI_URL to where it is" in text


def test_the_model_of_the_local_whisper_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = doctor._whisper(tmp_path)
    (tmp_path / "model.bin").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    no_package = doctor._whisper(tmp_path)
    (tmp_path / "faster_whisper.py").touch()
    found = doctor._whisper(tmp_path)

    assert (nothing[0], no_package[0], found[0]) == (False, False, True)
    assert "VENTROS_WHISPER_MODEL_PATH" in nothing[2]
    assert "ventros[whisper]" in no_package[2]


async def test_parts_speak_to_the_provider_that_is_set(
    postgres_url: str, stand_in: StandIn, tmp_path: Path
) -> None:
    common = {"database_url": postgres_url, "secret_key": "k" * 32, "data_dir": str(tmp_path)}
    async with connected(settings("", **common)) as parts:
        assert (parts.chat_model, parts.transcriber) == (None, None)
        assert parts.file_reader.reads("application/pdf")

    async with connected(settings(stand_in.url, ai_model="m", **common)) as parts:
        assert isinstance(parts.chat_model, OpenAiChat)
        assert isinstance(parts.transcriber, OpenAiTranscriber)
        assert parts.chat_model.provider is parts.transcriber.provider
        assert (parts.chat_model.model, parts.transcriber.model) == ("m", "whisper-1")

    async with connected(settings(stand_in.url, whisper_model_path=str(tmp_path), **common)) as parts:
        assert isinstance(parts.transcriber, LocalWhisper)
