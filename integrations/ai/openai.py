"""The ports of AI met by any OpenAI-compatible provider."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.ai.chat import Answer, ToolSpec, Turn
from domain.ai.transcript import Transcript
from integrations.ai.answers import answer_of
from integrations.ai.questions import question
from integrations.ai.transport import Provider
from integrations.errors import Malformed, Rejected
from integrations.waha.fields import as_number, clean, text

_EXTENSIONS = {
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "application/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
"""Providers tell the format of a recording by the ending of its name."""


@dataclass(frozen=True, kw_only=True)
class OpenAiChat:
    """Meets `services.ports.ChatModel`. `model` is asked unless a call names another."""

    provider: Provider
    model: str

    async def complete(
        self,
        turns: Sequence[Turn],
        *,
        model: str | None = None,
        tools: Sequence[ToolSpec] = (),
        max_tokens: int | None = None,
        temperature: float | None = None,
        schema: dict[str, object] | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 The transport keeps it.
    ) -> Answer:
        """Return the next turn; see the port."""
        asked = model or self.model
        body = question(
            turns, model=asked, tools=tools, max_tokens=max_tokens, temperature=temperature, schema=schema
        )
        found = await self.provider.post("/chat/completions", body, seconds=timeout)
        return answer_of(found, model=asked, is_json=schema is not None)


@dataclass(frozen=True, kw_only=True)
class OpenAiTranscriber:
    """Meets `services.ports.Transcriber`. `model` is asked unless a call names another."""

    provider: Provider
    model: str

    async def transcribe(
        self,
        path: Path,
        *,
        mime_type: str,
        language: str | None = None,
        prompt: str | None = None,
        model: str | None = None,
        timeout: float = 120.0,  # noqa: ASYNC109 The transport keeps it.
    ) -> Transcript:
        """Return the words of the recording; see the port."""
        asked = model or self.model
        fields = {"model": asked, "response_format": _response_format(asked)}
        if language:
            fields["language"] = language
        if prompt:
            fields["prompt"] = prompt
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except OSError as problem:
            raise Rejected(
                f"The recording cannot be opened ({type(problem).__name__}).", code="NO_FILE"
            ) from None
        with file:
            kind = mime_type.partition(";")[0].strip().lower()
            name = f"recording.{_EXTENSIONS.get(kind, 'bin')}"
            body = await self.provider.post_form(
                "/audio/transcriptions", fields, file=(name, file, kind), seconds=timeout
            )
        said = body.get("text")
        if not isinstance(said, str):
            raise Malformed("The AI provider's transcript has no text.", code="NO_TEXT")
        seconds = as_number(body.get("duration"))
        return Transcript(
            text=clean(said).strip(),
            language=text(body, "language"),
            duration_seconds=None if seconds is None or seconds < 0 else float(seconds),
            model=asked,
        )


def _response_format(model: str) -> str:
    """Only Whisper's models tell language and duration; OpenAI's later ones know nothing but `json`."""
    return "verbose_json" if "whisper" in model else "json"
