"""Those that find out what files say: each asks one provider, or reads by itself, and says what it asks."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from domain.ai.chat import Finish, system, user
from domain.ai.file_text import ReadBy
from domain.ai.price import Prices
from domain.crm.content import Media
from domain.crm.enrichment import EnrichmentDetails, EnrichmentKind, EnrichmentResult
from domain.crm.enrichment_routing import Abilities
from domain.crm.picture_prompts import PicturePrompt, picture_prompt
from integrations.errors import Malformed, Rejected
from persistence.crm.enrichments import ResultKey
from services.crm.enrichments import EnrichmentErrand
from services.ports import ChatModel, FileReader, Transcriber

_ANSWER_TOKENS = 500
_TEMPERATURE = 0.1
_LOCAL, _READER = "local", "reader"
_JPEG = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg"}
"""What phones call JPEG; models know its right name only."""

_FEWEST_BYTES = 500
"""A second of speech takes at least as much, in any format that is understood."""

_LONGEST = 24 * 3600.0
_DEAREST = 2_000_000_000


class Enricher(Protocol):
    """Finds out some kinds of things, so many at once. One that `costs` is bound to the budget."""

    @property
    def kinds(self) -> frozenset[EnrichmentKind]:
        """What it finds out."""
        ...

    @property
    def at_once(self) -> int:
        """How many calls may be under way in this process."""
        ...

    @property
    def costs(self) -> bool:
        """Whether calls may cost money."""
        ...

    @property
    def hears_video(self) -> bool:
        """Whether it writes down what is said in videos too."""
        ...

    def key(self, errand: EnrichmentErrand) -> ResultKey:
        """Return what would be asked of whom: equal questions have equal answers."""
        ...

    async def run(self, errand: EnrichmentErrand, path: Path) -> EnrichmentResult:
        """Return what the file says. Raises `Rejected`, `Malformed` or `Unavailable` as `services.ports` says."""
        ...


@dataclass(frozen=True, kw_only=True)
class Describer:
    """Shows pictures to a model. `model` is the one asked, `provider` its name in what is told to people."""

    chat: ChatModel
    provider: str
    model: str
    prices: Prices = field(default_factory=Prices)
    at_once: int = 4
    costs: bool = True
    seconds: float = 60.0
    kinds: frozenset[EnrichmentKind] = frozenset({EnrichmentKind.DESCRIPTION})
    hears_video: bool = False

    def key(self, errand: EnrichmentErrand) -> ResultKey:
        """Return what would be asked: the caption is a part of it."""
        prompt = self._prompt(errand)
        return _key(
            errand, self.provider, self.model, prompt.context.value, prompt.instructions, prompt.question
        )

    async def run(self, errand: EnrichmentErrand, path: Path) -> EnrichmentResult:
        """Return what a picture shows."""
        prompt = self._prompt(errand)
        content = await _content(path)
        answer = await self.chat.complete(
            [
                system(prompt.instructions),
                user(prompt.question, images=((_JPEG.get(errand.mime_type, errand.mime_type), content),)),
            ],
            model=self.model,
            max_tokens=_ANSWER_TOKENS,
            temperature=_TEMPERATURE,
            timeout=self.seconds,
        )
        cost = _bounded(self.prices.of_answer(answer.usage, model=answer.model, asked=self.model))
        if answer.finish is Finish.FILTERED:
            raise Rejected("The model does not describe this picture.", code="FILTERED", cost_microusd=cost)
        if not answer.text.strip():
            raise Malformed("The model said nothing about the picture.", code="NO_TEXT", cost_microusd=cost)
        return EnrichmentResult(
            text=answer.text,
            provider=self.provider,
            model=answer.model,
            language=errand.language,
            details=EnrichmentDetails(context=prompt.context.value, is_cut=answer.finish is Finish.LENGTH),
            cost_microusd=cost,
        )

    @staticmethod
    def _prompt(errand: EnrichmentErrand) -> PicturePrompt:
        return picture_prompt(errand.caption, language=errand.language)


@dataclass(frozen=True, kw_only=True)
class Scribe:
    """Has recordings written down. One on this machine does not cost, and hears videos, as some providers do."""

    transcriber: Transcriber
    provider: str
    model: str
    prices: Prices = field(default_factory=Prices)
    at_once: int = 4
    costs: bool = True
    seconds: float = 120.0
    kinds: frozenset[EnrichmentKind] = frozenset({EnrichmentKind.TRANSCRIPTION})
    hears_video: bool = False

    def key(self, errand: EnrichmentErrand) -> ResultKey:
        """Return what would be asked."""
        return _key(errand, self.provider, self.model, errand.language or "")

    async def run(self, errand: EnrichmentErrand, path: Path) -> EnrichmentResult:
        """Return what is said in a recording; silence is a result too."""
        said = await self.transcriber.transcribe(
            path,
            mime_type=errand.mime_type,
            language=errand.language,
            model=self.model,
            timeout=self.seconds,
        )
        seconds = _seconds(said.duration_seconds, errand.media)
        return EnrichmentResult(
            text=said.text,
            provider=self.provider,
            model=said.model,
            language=said.language or errand.language,
            details=EnrichmentDetails(seconds=seconds),
            cost_microusd=_bounded(self.prices.of_sound(seconds, model=said.model)) if self.costs else 0,
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Reads documents on this machine, and pictures where text in them can be recognised."""

    reader: FileReader
    kinds: frozenset[EnrichmentKind] = frozenset({EnrichmentKind.DOCUMENT_TEXT})
    at_once: int = 2
    costs: bool = False
    hears_video: bool = False

    def key(self, errand: EnrichmentErrand) -> ResultKey:
        """Return what would be read: the type decides how."""
        return _key(errand, _LOCAL, _READER, errand.mime_type)

    async def run(self, errand: EnrichmentErrand, path: Path) -> EnrichmentResult:
        """Return the text of a file."""
        if not self.reader.reads(errand.mime_type):
            raise Rejected(f"Files of the type {errand.mime_type} cannot be read here.", code="UNSUPPORTED")
        found = await self.reader.read(path, mime_type=errand.mime_type)
        return EnrichmentResult(
            text=found.text,
            provider=_LOCAL,
            model="ocr" if found.read_by is ReadBy.OCR else _READER,
            details=EnrichmentDetails(pages=found.pages, is_cut=found.is_cut),
            cost_microusd=0,
        )


def abilities_of(enrichers: Sequence[Enricher]) -> Abilities:
    """Return what can be found out with these."""
    return Abilities(
        kinds=frozenset(kind for one in enrichers for kind in one.kinds),
        hears_video=any(one.hears_video for one in enrichers),
    )


def _key(errand: EnrichmentErrand, provider: str, model: str, *asked: str) -> ResultKey:
    words = hashlib.sha256("\x00".join(asked).encode()).hexdigest()
    return ResultKey(sha256=errand.sha256, type=errand.type, provider=provider, model=model, asked=words)


def _seconds(told: float | None, media: Media) -> float | None:
    """Return how long a recording is: as the provider tells, else as its sender does, if the file is that long."""
    if told is not None and told <= _LONGEST:
        return told
    if media.duration_seconds is None or media.size is None:
        return None
    return float(min(media.duration_seconds, media.size / _FEWEST_BYTES))


def _bounded(microusd: int | None) -> int | None:
    """Return a cost that a provider cannot talk up without end."""
    return None if microusd is None else min(microusd, _DEAREST)


async def _content(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as problem:
        raise Rejected(f"The file cannot be opened ({type(problem).__name__}).", code="NO_FILE") from None
