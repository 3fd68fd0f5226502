"""What models cost, in millionths of a US dollar; whole numbers, rounded up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from domain.ai.chat import Usage

_MILLION = 1_000_000
_SECONDS = 60
_DATE = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """The price of one model in micro-USD: per million tokens, or per minute of sound.

    None is a price that nobody named. Cached tokens cost what the others do unless they have a price.
    """

    prompt: int | None = None
    cached: int | None = None
    completion: int | None = None
    minute: int | None = None

    def __post_init__(self) -> None:
        """Refuse prices below nothing."""
        for one in (self.prompt, self.cached, self.completion, self.minute):
            if one is not None and one < 0:
                raise ValueError(f"A price of {one} is below nothing.")

    def of(self, usage: Usage) -> int | None:
        """Return what an answer cost, or None when a price that it needs is unknown."""
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        parts = (
            (usage.prompt_tokens - cached, self.prompt),
            (cached, self.prompt if self.cached is None else self.cached),
            (usage.completion_tokens, self.completion),
        )
        total = 0
        for tokens, price in parts:
            if not tokens:
                continue
            if price is None:
                return None
            total += tokens * price
        return -(-total // _MILLION)

    def of_sound(self, seconds: float) -> int | None:
        """Return what the transcription of a recording cost, or None when the price is unknown."""
        return None if self.minute is None else ceil(Fraction(seconds) * self.minute / _SECONDS)


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of the models that an operator named; any other model costs nobody knows what."""

    by_model: Mapping[str, Price] = field(default_factory=dict)

    def of_answer(self, usage: Usage | None, *, model: str, asked: str = "") -> int | None:
        """Return what an answer of a model cost in micro-USD, or None when that is unknown.

        Where the model that answered goes by a name without a price, the one that was `asked` for tells.
        """
        price = self._find(model) or self._find(asked)
        return None if price is None or usage is None else price.of(usage)

    def of_sound(self, seconds: float | None, *, model: str) -> int | None:
        """Return what a transcription by a model cost in micro-USD, or None when that is unknown."""
        price = self._find(model)
        return None if price is None or seconds is None else price.of_sound(seconds)

    def _find(self, model: str) -> Price | None:
        """Providers answer under dated names: `gpt-4o-mini-2024-07-18` costs what `gpt-4o-mini` does."""
        return self.by_model.get(model) or self.by_model.get(_DATE.sub("", model))
