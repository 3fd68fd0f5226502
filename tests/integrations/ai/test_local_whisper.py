"""Transcription on this machine; a module of its name stands for the package, which tests do not need."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.ai.transcript import Transcript
from integrations.ai.local_whisper import LocalWhisper
from integrations.errors import Rejected, Unavailable

PACKAGE = """
import time
from types import SimpleNamespace as Thing

class WhisperModel:
    def __init__(self, path, **options):
        with open(path + "/model.bin") as file:
            if file.read():
                raise RuntimeError("unsupported model")
        assert options == {"device": "cpu", "compute_type": "int8", "local_files_only": True}

    def transcribe(self, audio, *, language, initial_prompt):
        with open(audio) as file:
            text = file.read()
        if text == "noise":
            raise ValueError("no sound")
        if text == "long":
            time.sleep(0.5)
        return iter([Thing(text=f" {text}"), Thing(text=f" {initial_prompt}")]), Thing(language=language, duration=2)
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "faster_whisper.py").write_text(PACKAGE)
    (tmp_path / "model.bin").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("faster_whisper", None)


async def transcribed(whisper: LocalWhisper, path: Path, **more: float) -> Transcript:
    return await whisper.transcribe(path, mime_type="audio/ogg", language="pt", prompt="Ventros", **more)


async def test_a_recording_is_written_down(model: Path) -> None:
    (model / "sound").write_text("Oi")

    transcript = await transcribed(LocalWhisper(model), model / "sound")

    assert transcript == Transcript(
        text="Oi Ventros", language="pt", duration_seconds=2.0, model="local-whisper"
    )


async def test_a_recording_that_is_no_sound_is_rejected(model: Path) -> None:
    (model / "sound").write_text("noise")

    with pytest.raises(Rejected) as caught:
        await transcribed(LocalWhisper(model), model / "sound")

    assert caught.value.code == "UNREADABLE"


async def test_a_recording_that_takes_too_long_is_given_up(model: Path) -> None:
    (model / "sound").write_text("long")

    with pytest.raises(Unavailable) as caught:
        await transcribed(LocalWhisper(model), model / "sound", timeout=0.1)

    assert caught.value.code == "TIMEOUT"


async def test_what_waits_behind_a_recording_that_was_given_up_was_not_tried(model: Path) -> None:
    (model / "sound").write_text("Oi")
    (model / "hour").write_text("long")
    whisper = LocalWhisper(model)
    with pytest.raises(Unavailable):
        await transcribed(whisper, model / "hour", timeout=0.1)

    with pytest.raises(Unavailable) as caught:
        await transcribed(whisper, model / "sound", timeout=0.01)

    assert caught.value.code == "BUSY"


async def test_a_missing_model_is_told_with_its_place(model: Path) -> None:
    (model / "model.bin").unlink()

    with pytest.raises(Rejected, match="VENTROS_WHISPER_MODEL_PATH") as caught:
        await transcribed(LocalWhisper(model), model / "sound")

    assert caught.value.code == "NO_MODEL"
    assert str(model) in caught.value.reason


async def test_a_model_that_is_none_is_told(model: Path) -> None:
    (model / "model.bin").write_text("garbage")

    with pytest.raises(Rejected, match=r"cannot be loaded \(RuntimeError\)") as caught:
        await transcribed(LocalWhisper(model), model / "sound")

    assert caught.value.code == "NO_MODEL"


async def test_a_missing_package_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)

    with pytest.raises(Rejected, match=r"install ventros\[whisper\]") as caught:
        await transcribed(LocalWhisper(model), model / "sound")

    assert caught.value.code == "NO_PACKAGE"
