"""What was said in a recording."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcript:
    """The words of a recording; language as the model names it, and duration, when it tells them."""

    text: str
    language: str | None = None
    duration_seconds: float | None = None
    model: str
