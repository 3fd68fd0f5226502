"""Transcription on this machine with faster-whisper (the extra `whisper`) and a model in a local directory."""

import asyncio
import importlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from domain.ai.transcript import Transcript
from integrations.errors import Rejected, Unavailable

_NAME = "local-whisper"


class _Segment(Protocol):
    @property
    def text(self) -> str: ...


class _Information(Protocol):
    @property
    def language(self) -> str: ...

    @property
    def duration(self) -> float: ...


class _Whisper(Protocol):
    def transcribe(
        self, audio: str, *, language: str | None, initial_prompt: str | None
    ) -> tuple[Iterable[_Segment], _Information]: ...


class LocalWhisper:
    """Meets `services.ports.Transcriber`, one recording at a time, in a thread of its own.

    The model is loaded with the first recording. A recording that takes too long is given up, but the thread
    goes on with it to its end; the next one waits for that, and is refused as BUSY when it waits too long.
    """

    def __init__(self, model_path: Path) -> None:
        self._model_path = model_path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="whisper")
        self._model: _Whisper | None = None

    async def transcribe(
        self,
        path: Path,
        *,
        mime_type: str,
        language: str | None = None,
        prompt: str | None = None,
        model: str | None = None,
        timeout: float = 120.0,  # noqa: ASYNC109 It is applied here.
    ) -> Transcript:
        """Return the words of the recording; see the port."""
        work = self._thread.submit(self._transcribe, path, language=language, prompt=prompt)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(work)
        except TimeoutError:
            if work.cancel():
                raise Unavailable(
                    "The local Whisper is still busy with another recording.", code="BUSY"
                ) from None
            raise Unavailable(f"The local Whisper took over {timeout:g} s.", code="TIMEOUT") from None

    def close(self) -> None:
        """Take no more recordings; one under way is finished."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _transcribe(self, path: Path, *, language: str | None, prompt: str | None) -> Transcript:
        model = self._model = self._model or self._load()
        try:
            segments, information = model.transcribe(str(path), language=language, initial_prompt=prompt)
            # The segments are recognised as they are asked for.
            said = "".join(one.text for one in segments)
        except (OSError, ValueError, RuntimeError, EOFError, IndexError) as problem:
            # The decoder's errors of a file that is no sound are of all these kinds.
            raise Rejected(
                f"The recording cannot be read ({type(problem).__name__}).", code="UNREADABLE"
            ) from None
        return Transcript(
            text=said.strip(),
            language=information.language,
            duration_seconds=float(information.duration),
            model=_NAME,
        )

    def _load(self) -> _Whisper:
        if not (self._model_path / "model.bin").is_file():
            raise Rejected(
                f"There is no faster-whisper model in {self._model_path}; VENTROS_WHISPER_MODEL_PATH must be the "
                "directory that holds its model.bin.",
                code="NO_MODEL",
            )
        try:
            make: Callable[..., _Whisper] = importlib.import_module("faster_whisper").WhisperModel
        except ImportError as problem:
            raise Rejected(
                "The package faster-whisper is not installed; install ventros[whisper].", code="NO_PACKAGE"
            ) from problem
        try:
            return make(str(self._model_path), device="cpu", compute_type="int8", local_files_only=True)
        except (OSError, RuntimeError, ValueError) as problem:
            raise Rejected(
                f"The model in {self._model_path} cannot be loaded ({type(problem).__name__}).",
                code="NO_MODEL",
            ) from problem
