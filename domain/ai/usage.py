"""What AI providers are used for and what that may cost a project in a day, in millionths of a US dollar."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum

from domain.errors import Invalid

HIGHEST_BUDGET = 2_000_000_000
"""Two thousand dollars a day; whoever means more sets none."""


class AiPurpose(Enum):
    """What a provider was called for."""

    ENRICHMENT = "ENRICHMENT"
    AGENT = "AGENT"
    SUMMARY = "SUMMARY"


@dataclass(frozen=True, kw_only=True, slots=True)
class AiUsage:
    """Calls of a project on one day, and what they cost as far as their prices are known."""

    day: date
    purpose: AiPurpose
    calls: int
    cost_microusd: int


def usage_day(at: datetime) -> date:
    """Return the day that a call counts for: the one in UTC."""
    return at.astimezone(UTC).date()


def is_spent(budget_microusd: int | None, *, spent_microusd: int) -> bool:
    """Whether a daily budget allows no further call; None is no limit, 0 allows none at all."""
    return budget_microusd is not None and spent_microusd >= budget_microusd


def checked_budget(microusd: int | None) -> int | None:
    """Return a daily budget that is possible, or raise `Invalid`."""
    if microusd is not None and not 0 <= microusd <= HIGHEST_BUDGET:
        raise Invalid(
            f"aiDailyBudgetMicrousd is {microusd}; it must be between 0 and {HIGHEST_BUDGET}.",
            field=["aiDailyBudgetMicrousd"],
        )
    return microusd
