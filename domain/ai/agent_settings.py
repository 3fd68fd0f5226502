"""How an agent that is a language model answers: what it is told, what it may call, and what it may cost."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.ai.quoting import mark_of
from domain.ai.rules import fixed_tokens, system_text
from domain.ai.tools import ESCALATE, SELECTABLE, offered, spec_of
from domain.errors import Invalid, require_text, within

INSTRUCTIONS_LIMIT, MODEL_LIMIT, TEXT_LIMIT = 20_000, 200, 4_096
DEFAULT_INPUT_TOKENS, FEWEST_INPUT_TOKENS, MOST_INPUT_TOKENS = 8_000, 1_000, 200_000
DEFAULT_OUTPUT_TOKENS, MOST_OUTPUT_TOKENS = 1_000, 32_000
MOST_TOOL_CALLS, DEFAULT_REPLIES, MOST_REPLIES = 8, 3, 10
DEFAULT_CONTACT_RUNS = 200
HOTTEST = 2.0
_LARGEST = 2**31 - 1
_ROOM_TOKENS = 500
"""What is left for the burst and memory at least."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSettings:
    """What people decide about an agent of type AI.

    `model` None is the installation's usual one, `temperature` None the provider's. `tools` are the names of what it
    may call, at most `max_tool_calls` times for one burst. `input_tokens` bounds what a burst is asked with: rules,
    instructions, what is remembered, and the burst; `output_tokens` each answer. An answer becomes at most
    `max_replies` messages. `contact_runs_per_day` bounds what one contact can cause in a day (UTC) and
    `daily_budget_microusd` what the tenant spends on models; None leaves it to the installation. Without
    `fallback_message` an agent that cannot answer says nothing; without `handover_message` so does one that hands
    over to a person, which it may only where it `can_escalate`. `language` None is the contact's.
    """

    model: str | None = None
    instructions: str
    tools: tuple[str, ...] = ()
    temperature: float | None = None
    output_tokens: int = DEFAULT_OUTPUT_TOKENS
    input_tokens: int = DEFAULT_INPUT_TOKENS
    max_tool_calls: int = MOST_TOOL_CALLS
    max_replies: int = DEFAULT_REPLIES
    contact_runs_per_day: int | None = DEFAULT_CONTACT_RUNS
    daily_budget_microusd: int | None = None
    fallback_message: str | None = None
    handover_message: str | None = None
    can_escalate: bool = True
    language: str | None = None


def checked_settings(settings: AgentSettings) -> AgentSettings:
    """Return the settings tidied, or raise what names the field and the rule that it breaks."""
    numbers = (
        ("outputTokens", settings.output_tokens, 1, MOST_OUTPUT_TOKENS),
        ("inputTokens", settings.input_tokens, FEWEST_INPUT_TOKENS, MOST_INPUT_TOKENS),
        ("maxToolCalls", settings.max_tool_calls, 0, MOST_TOOL_CALLS),
        ("maxReplies", settings.max_replies, 1, MOST_REPLIES),
        ("contactRunsPerDay", settings.contact_runs_per_day, 0, _LARGEST),
        ("dailyBudgetMicrousd", settings.daily_budget_microusd, 0, _LARGEST),
        ("temperature", settings.temperature, 0.0, HOTTEST),
    )
    for name, value, least, most in numbers:
        if value is not None and not least <= value <= most:
            raise Invalid(f"ai.{name} is {value}; it must be between {least} and {most}.", field=["ai", name])
    if settings.language is not None and not _LANGUAGE.fullmatch(settings.language):
        raise Invalid(
            f"{settings.language[:40]!r} is not a language tag (BCP 47), such as pt-BR.",
            field=["ai", "language"],
        )
    instructions = require_text(settings.instructions, field="ai.instructions", limit=INSTRUCTIONS_LIMIT)
    tools = _known_tools(settings.tools)
    rules = system_text(
        instructions, mark=mark_of(""), language=settings.language, max_replies=settings.max_replies
    )
    specs = [spec_of(name) for name in offered(tools, can_escalate=settings.can_escalate)]
    needed = fixed_tokens(rules, specs) + _ROOM_TOKENS
    if settings.input_tokens < needed:
        raise Invalid(
            f"ai.inputTokens is {settings.input_tokens}; these instructions and tools need at least {needed}.",
            field=["ai", "inputTokens"],
        )
    return AgentSettings(
        model=_optional(settings.model, field="ai.model", limit=MODEL_LIMIT),
        instructions=instructions,
        tools=tools,
        temperature=settings.temperature,
        output_tokens=settings.output_tokens,
        input_tokens=settings.input_tokens,
        max_tool_calls=settings.max_tool_calls,
        max_replies=settings.max_replies,
        contact_runs_per_day=settings.contact_runs_per_day,
        daily_budget_microusd=settings.daily_budget_microusd,
        fallback_message=_optional(settings.fallback_message, field="ai.fallbackMessage", limit=TEXT_LIMIT),
        handover_message=_optional(settings.handover_message, field="ai.handoverMessage", limit=TEXT_LIMIT),
        can_escalate=settings.can_escalate,
        language=settings.language,
    )


def _known_tools(names: Sequence[str]) -> tuple[str, ...]:
    for place, name in enumerate(names):
        if name == ESCALATE:
            raise Invalid(
                f"{ESCALATE} is no choice of its own; canEscalate decides.", field=["ai", "tools", str(place)]
            )
        if name not in SELECTABLE:
            known = ", ".join(sorted(SELECTABLE))
            raise Invalid(
                f"There is no tool {name[:60]!r}; the known ones are {known}.",
                field=["ai", "tools", str(place)],
            )
    return tuple(dict.fromkeys(names))


def _optional(text: str | None, *, field: str, limit: int) -> str | None:
    return None if text is None or not text.strip() else within(text.strip(), field=field, limit=limit)
