"""What a session was about, as a model put it, once it had ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from domain.ai.chat import Usage
from domain.base import Aggregate, Event
from domain.errors import Invalid
from domain.ids import ContactId, ProjectId, SessionId, TenantId

TEXT_LIMIT, ITEM_LIMIT, MOST_ITEMS = 2_000, 200, 10


class Sentiment(Enum):
    """How the contact felt about it."""

    POSITIVE = "POSITIVE"
    NEUTRAL = "NEUTRAL"
    NEGATIVE = "NEGATIVE"
    MIXED = "MIXED"


SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string", "maxLength": TEXT_LIMIT},
        "sentiment": {"type": "string", "enum": [one.value for one in Sentiment]},
        "topics": {
            "type": "array",
            "maxItems": MOST_ITEMS,
            "items": {"type": "string", "maxLength": ITEM_LIMIT},
        },
        "next_steps": {
            "type": "array",
            "maxItems": MOST_ITEMS,
            "items": {"type": "string", "maxLength": ITEM_LIMIT},
        },
    },
    "required": ["summary", "sentiment", "topics", "next_steps"],
    "additionalProperties": False,
}
"""What the model's answer looks like."""


class SessionSummarized(Event, name="session.summarized"):
    """What the episode was about is known."""

    session_id: SessionId
    contact_id: ContactId
    sentiment: Sentiment


@dataclass(frozen=True, kw_only=True, slots=True)
class Gist:
    """The content of a summary."""

    text: str
    sentiment: Sentiment
    topics: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()

    @classmethod
    def read(cls, answer: str) -> "Gist":
        """Return what a model answered. Raises `Invalid` for anything that does not obey the schema."""
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise Invalid("The summary is no JSON.") from error
        if not isinstance(found, Mapping):
            raise Invalid("The summary is no object.")
        text, sentiment = found.get("summary"), found.get("sentiment")
        if not isinstance(text, str) or not text.strip():
            raise Invalid("The summary has no text.")
        if not isinstance(sentiment, str) or sentiment not in Sentiment.__members__:
            raise Invalid("The summary's sentiment is none of the known ones.")
        return cls(
            text=text.strip()[:TEXT_LIMIT],
            sentiment=Sentiment[sentiment],
            topics=_items(found.get("topics")),
            next_steps=_items(found.get("next_steps")),
        )


@dataclass(eq=False, kw_only=True)
class SessionSummary(Aggregate):
    """The summary of a session, under the session's id; written anew when the session went on and ended again."""

    kind: ClassVar[str] = "session"
    id: SessionId
    tenant_id: TenantId
    project_id: ProjectId
    contact_id: ContactId
    text: str
    sentiment: Sentiment
    topics: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    message_count: int
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_microusd: int | None = None
    ended_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def write(
        cls,
        gist: Gist,
        *,
        session_id: SessionId,
        tenant_id: TenantId,
        project_id: ProjectId,
        contact_id: ContactId,
        ended_at: datetime,
        message_count: int,
        model: str,
        usage: Usage | None,
        cost: int | None,
        at: datetime,
    ) -> "SessionSummary":
        """Note what a session was about."""
        summary = cls(
            id=session_id,
            tenant_id=tenant_id,
            project_id=project_id,
            contact_id=contact_id,
            text=gist.text,
            sentiment=gist.sentiment,
            topics=gist.topics,
            next_steps=gist.next_steps,
            message_count=message_count,
            model=model,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
            cost_microusd=cost,
            ended_at=ended_at,
            created_at=at,
            updated_at=at,
        )
        summary.record(
            SessionSummarized(session_id=session_id, contact_id=contact_id, sentiment=gist.sentiment), at=at
        )
        return summary

    def replace(self, newer: "SessionSummary", *, at: datetime) -> None:
        """Become the newer summary of the same session, which went on and ended again."""
        for name in (
            "contact_id",
            "text",
            "sentiment",
            "topics",
            "next_steps",
            "message_count",
            "model",
            "prompt_tokens",
            "completion_tokens",
            "cost_microusd",
            "ended_at",
        ):
            setattr(self, name, getattr(newer, name))
        self.record(
            SessionSummarized(session_id=self.id, contact_id=self.contact_id, sentiment=self.sentiment), at=at
        )


def _items(found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Invalid("The summary's lists hold texts only.")
    return tuple(one.strip()[:ITEM_LIMIT] for one in found if one.strip())[:MOST_ITEMS]
