"""How a channel groups what people write in bursts: how long to wait, and when to wait no longer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import Invalid

DEFAULT_WINDOW_MS, LONGEST_WINDOW_MS = 15_000, 300_000
DEFAULT_MESSAGES, MOST_MESSAGES = 50, 200
SHORTEST_CAP_MS, LONGEST_CAP_MS = 1_000, 900_000
DEFAULT_ENRICHMENT_MS, LONGEST_ENRICHMENT_MS = 30_000, 300_000
_CAP_MS, _WINDOWS_PER_CAP = 60_000, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupingRules:
    """What a channel sets besides its window.

    `max_duration_ms` None means four windows, at least a minute. `enrichment_timeout_ms` is how long a group whose
    window is over waits for what its files say. `has_group_chats` groups the messages of WhatsApp groups as well.
    `is_cancelled_by_reply` None cancels a group when one of us answers, if an AI agent is in charge of the channel.
    """

    max_messages: int = DEFAULT_MESSAGES
    max_duration_ms: int | None = None
    enrichment_timeout_ms: int = DEFAULT_ENRICHMENT_MS
    has_group_chats: bool = False
    is_extended_by_typing: bool = False
    is_cancelled_by_reply: bool | None = None


DEFAULT_RULES = GroupingRules()


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouping:
    """The rules in force for one group at one moment."""

    window: timedelta
    cap: timedelta
    max_messages: int
    is_extended_by_typing: bool

    @classmethod
    def of(cls, *, window_ms: int, rules: GroupingRules) -> "Grouping":
        """Return what a channel's window and rules amount to."""
        cap = rules.max_duration_ms
        if cap is None:
            cap = min(max(_CAP_MS, _WINDOWS_PER_CAP * window_ms), LONGEST_CAP_MS)
        return cls(
            window=timedelta(milliseconds=window_ms),
            cap=timedelta(milliseconds=cap),
            max_messages=rules.max_messages,
            is_extended_by_typing=rules.is_extended_by_typing,
        )

    def deadline(self, opened_at: datetime) -> datetime:
        """Return when a group that began then ends at the latest."""
        return opened_at + self.cap


def checked_window(window_ms: int) -> int:
    """Return the window if it is between 0 and five minutes."""
    return _within(window_ms, 0, LONGEST_WINDOW_MS, field="debounceTimeoutMs")


def checked_rules(rules: GroupingRules) -> GroupingRules:
    """Return the rules if every number is within its limits, else raise `Invalid` that names the field."""
    _within(rules.max_messages, 1, MOST_MESSAGES, field="grouping.maxMessages")
    if rules.max_duration_ms is not None:
        _within(rules.max_duration_ms, SHORTEST_CAP_MS, LONGEST_CAP_MS, field="grouping.maxDurationMs")
    _within(rules.enrichment_timeout_ms, 0, LONGEST_ENRICHMENT_MS, field="grouping.enrichmentTimeoutMs")
    return rules


def _within(value: int, least: int, most: int, *, field: str) -> int:
    if not least <= value <= most:
        raise Invalid(f"{field} is {value}; it must be between {least} and {most}.", field=field.split("."))
    return value
