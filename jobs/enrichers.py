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
            [system(prompt.instructions), user(prompt.question, images=((errand.mime_type, content),))],
            model=self.model,
            max_tokens=_ANSWER_TOKENS,
            temperature=_TEMPERATURE,
            timeout=self.seconds,
        )
        cost = self.prices.of_answer(answer.usage, model=answer.model, asked=self.model)
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
    """Has recordings written down. One on this machine does not cost."""

    transcriber: Transcriber
    provider: str
    model: str
    prices: Prices = field(default_factory=Prices)
    at_once: int = 4
    costs: bool = True
    seconds: float = 120.0
    kinds: frozenset[EnrichmentKind] = frozenset({EnrichmentKind.TRANSCRIPTION})

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
        seconds = (
            said.duration_seconds if said.duration_seconds is not None else errand.media.duration_seconds
        )
        return EnrichmentResult(
            text=said.text,
            provider=self.provider,
            model=said.model,
            language=said.language or errand.language,
            details=EnrichmentDetails(seconds=seconds),
            cost_microusd=self.prices.of_sound(seconds, model=said.model) if self.costs else 0,
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Reads documents on this machine, and pictures where text in them can be recognised."""

    reader: FileReader
    kinds: frozenset[EnrichmentKind] = frozenset({EnrichmentKind.DOCUMENT_TEXT})
    at_once: int = 2
    costs: bool = False

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
    """Return what can be found out with these. The sound of videos cannot be taken out so far."""
    return Abilities(kinds=frozenset(kind for one in enrichers for kind in one.kinds))


def _key(errand: EnrichmentErrand, provider: str, model: str, *asked: str) -> ResultKey:
    words = hashlib.sha256("\x00".join(asked).encode()).hexdigest()
    return ResultKey(sha256=errand.sha256, type=errand.type, provider=provider, model=model, asked=words)


async def _content(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as problem:
        raise Rejected(f"The file cannot be opened ({type(problem).__name__}).", code="NO_FILE") from None
