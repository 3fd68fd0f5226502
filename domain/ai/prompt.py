"""What an agent is asked: rules and instructions, then, as data, what is remembered and what was just written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.ai.agent_settings import AgentSettings
from domain.ai.chat import ToolSpec, Turn, system, user
from domain.ai.memory import line_tokens, newest_of, newest_within, shortened
from domain.ai.quoting import Block, closing, enclosed, opening, quoted
from domain.ai.rules import fixed_tokens, system_text
from domain.ai.tokens import TURN_TOKENS

CONTACT, SUMMARIES, HISTORY, BURST = "contact", "earlier sessions", "earlier messages", "burst"
_SHARE = 4
"""Facts and summaries may each take one part in so many of what the burst leaves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One message: of the contact, or ours; `kind` of content, and its words or what its file says."""

    from_contact: bool
    at: datetime
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What there is to tell a model, everything oldest first.

    `facts` about the contact are pairs of a name and a value, the most important last; `summaries` pairs of when a
    session ended and what it was about.
    """

    facts: tuple[tuple[str, str], ...] = ()
    summaries: tuple[tuple[datetime, str], ...] = ()
    history: tuple[Said, ...] = ()
    burst: tuple[Said, ...]


def turns_of(
    settings: AgentSettings, material: Material, *, mark: str, tools: Sequence[ToolSpec]
) -> tuple[Turn, Turn]:
    """Return the system turn and the one user's turn, together with the tools within `input_tokens`.

    The burst comes first in what is kept, then facts and summaries up to a quarter each, then the newest messages.
    """
    rules = system_text(
        settings.instructions, mark=mark, language=settings.language, max_replies=settings.max_replies
    )
    frames = sum(
        line_tokens(opening(label, mark=mark)) + line_tokens(closing(label, mark=mark))
        for label in (CONTACT, SUMMARIES, HISTORY, BURST)
    )
    left = settings.input_tokens - fixed_tokens(rules, tools) - TURN_TOKENS - frames
    burst = _burst(material.burst, left)
    left -= _cost(burst)
    share = left // _SHARE
    facts = newest_within([quoted({"what": name, "is": value}) for name, value in material.facts], share)
    summaries = newest_within(
        [quoted({"ended": at.isoformat(), "summary": text}) for at, text in material.summaries], share
    )
    left -= _cost(facts) + _cost(summaries)
    history = newest_of((_line(one) for one in reversed(material.history)), left)
    blocks = [
        Block(label, lines)
        for label, lines in ((CONTACT, facts), (SUMMARIES, summaries), (HISTORY, history))
        if lines
    ]
    return system(rules), user(enclosed([*blocks, Block(BURST, burst)], mark=mark))


def _burst(said: Sequence[Said], budget: int) -> tuple[str, ...]:
    """Return the last lines of the burst that fit; of a message too long for itself, its beginning."""
    kept = newest_within([_line(one) for one in said], budget)
    if kept or not said:
        return kept
    last = said[-1]
    room = budget - line_tokens(_line(last, ""))
    while room > 0:
        line = _line(last, shortened(last.text, room))
        excess = line_tokens(line) - budget
        if excess <= 0:
            return (line,)
        room -= excess
    return ()


def _line(said: Said, text: str | None = None) -> str:
    return quoted(
        {
            "from": "customer" if said.from_contact else "us",
            "at": said.at.isoformat(timespec="seconds"),
            "kind": said.kind,
            "text": said.text if text is None else text,
        }
    )


def _cost(lines: Sequence[str]) -> int:
    return sum(line_tokens(line) for line in lines)
