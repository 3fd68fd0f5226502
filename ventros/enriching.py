"""Who finds out what files say in this installation: one enricher per provider that is set up."""

from urllib.parse import urlsplit

from domain.crm.enrichment import EnrichmentKind
from integrations.ai.local_whisper import LocalWhisper
from jobs.enrichers import Describer, Enricher, Reading, Scribe
from ventros.wiring import Parts

_LOCAL_WHISPER = "local-whisper"


def enrichers_of(parts: Parts) -> list[Enricher]:
    """Return the enrichers that the settings amount to; documents are read without any provider."""
    settings = parts.settings
    host = urlsplit(settings.ai_url).hostname or "ai"
    found: list[Enricher] = [Reading(reader=parts.file_reader)]
    if parts.file_reader.reads("image/png"):
        # A place of its own: recognition takes long, and documents should not wait for it.
        found.append(Reading(reader=parts.file_reader, kinds=frozenset({EnrichmentKind.OCR}), at_once=1))
    if parts.chat_model is not None:
        found.append(
            Describer(
                chat=parts.chat_model,
                provider=host,
                model=settings.vision_model,
                prices=settings.prices,
            )
        )
    if parts.transcriber is not None:
        is_local = isinstance(parts.transcriber, LocalWhisper)
        found.append(
            Scribe(
                transcriber=parts.transcriber,
                provider=_LOCAL_WHISPER if is_local else host,
                model=_LOCAL_WHISPER if is_local else settings.ai_transcription_model,
                prices=settings.prices,
                at_once=1 if is_local else 4,
                costs=not is_local,
                # The decoder that comes with faster-whisper takes the sound out by itself.
                hears_video=is_local or settings.ai_transcribes_video,
            )
        )
    return found
