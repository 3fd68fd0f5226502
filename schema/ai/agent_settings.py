"""How an AI agent answers, as published and as set."""

from typing import Any

import strawberry

from domain.ai import agent_settings as domain
from resolvers.arguments import given
from schema.fields import computed, optional, plain, represents

_MODEL = "The model; null for the installation's usual one."
_TOOLS = (
    "What it may call, of: assign_session, close_session, list_session_summaries, look_up_contact, "
    "remember_fact, rename_contact, search_messages, stay_silent."
)
_TEMPERATURE = "How free it is with words, 0 to 2; null for the provider's default."
_OUTPUT = "How many tokens an answer may have, 1 to 32,000."
_INPUT = (
    "How many tokens it is asked with, 1,000 to 200,000: rules, instructions, memory and burst. "
    "Estimated as one for every three bytes."
)
_CALLS = "How often it may call tools for one burst, 0 to 8."
_REPLIES = "How many messages an answer may become, 1 to 10."
_RUNS = "How many bursts of one contact it answers in a day (UTC); null for any number."
_BUDGET = (
    "It answers until the project has spent this much on models in a day (UTC), in millionths of a US dollar; "
    "null for what the project or the installation allows."
)
_FALLBACK = "What it says when it cannot answer, up to 4,096 characters; null to say nothing."
_HANDOVER = "What it says when it hands over to a person, up to 4,096 characters; null to say nothing."
_LANGUAGE = "The language it answers in (BCP 47), such as pt-BR; null for the customer's."


@strawberry.type(description="How an agent of type AI answers.")
@represents(domain.AgentSettings)
class AiSettings:
    """A `domain.ai.agent_settings.AgentSettings`."""

    model: str | None = plain(_MODEL)
    instructions: str = plain("What it is told about its work.")
    tools: list[str] = plain(_TOOLS)
    temperature: float | None = plain(_TEMPERATURE)
    output_tokens: int = plain(_OUTPUT)
    input_tokens: int = plain(_INPUT)
    max_tool_calls: int = plain(_CALLS)
    max_replies: int = plain(_REPLIES)
    contact_runs_per_day: int | None = plain(_RUNS)
    daily_budget_microusd: int | None = plain(_BUDGET)
    fallback_message: str | None = plain(_FALLBACK)
    handover_message: str | None = plain(_HANDOVER)
    has_escalation: bool = computed(
        lambda one: one.can_escalate, "Whether it may hand a session over to a person."
    )
    language: str | None = plain(_LANGUAGE)


@strawberry.input(
    description="How an agent of type AI is to answer; what is left out stays, or is the default."
)
class AiSettingsInput:
    """Settings, of which all but the instructions may be left out."""

    model: str | None = optional(_MODEL)
    instructions: str | None = optional("What it is told about its work, up to 20,000 characters.")
    tools: list[str] | None = optional(_TOOLS)
    temperature: float | None = optional(_TEMPERATURE)
    output_tokens: int | None = optional(_OUTPUT)
    input_tokens: int | None = optional(_INPUT)
    max_tool_calls: int | None = optional(_CALLS)
    max_replies: int | None = optional(_REPLIES)
    contact_runs_per_day: int | None = optional(_RUNS)
    daily_budget_microusd: int | None = optional(_BUDGET)
    fallback_message: str | None = optional(_FALLBACK)
    handover_message: str | None = optional(_HANDOVER)
    can_escalate: bool | None = optional("Whether it may hand a session over to a person.")
    language: str | None = optional(_LANGUAGE)

    def to_domain(self) -> dict[str, Any]:  # Any: the values of the settings that were given.
        """Return the settings that were given; null clears where null has a meaning."""
        return dict(given(self))
