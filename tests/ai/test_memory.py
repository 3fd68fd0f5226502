"""What is remembered: within its number of tokens, the newest first, in order; and how answers become messages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ai.agent_settings import AgentSettings, checked_settings
from domain.ai.memory import line_tokens, newest_within, shortened
from domain.ai.prompt import Material, Said, turns_of
from domain.ai.quoting import mark_of
from domain.ai.replies import replies_of
from domain.ai.rules import fixed_tokens
from domain.ai.tokens import TURN_TOKENS, estimate
from domain.ai.tools import SELECTABLE, offered, spec_of
from domain.errors import DomainError
from domain.identity.agent import AgentType
from tests.ai.desk import settings as agent_settings
from tests.ai.test_injection import blocks_of
from tests.factories import NOON

MARK = mark_of("a run")
TEXTS = st.text(max_size=400)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=40), st.integers(min_value=0, max_value=2_000))
def test_the_newest_lines_are_kept_in_order_within_the_budget(lines: list[str], budget: int) -> None:
    kept = newest_within(lines, budget)

    assert list(kept) == lines[len(lines) - len(kept) :]
    assert sum(map(line_tokens, kept)) <= budget
    if len(kept) < len(lines):
        assert sum(map(line_tokens, kept)) + line_tokens(lines[-len(kept) - 1]) > budget


@settings(deadline=None)
@given(TEXTS, st.integers(min_value=0, max_value=200))
def test_a_shortened_text_is_a_beginning_within_the_budget(text: str, budget: int) -> None:
    found = shortened(text, budget)

    assert estimate(found) <= budget
    assert found in {text, ""} or text.startswith(found.removesuffix("…"))


SAID = st.builds(
    Said, from_contact=st.booleans(), at=st.just(NOON), kind=st.just("TEXT"), text=st.text(max_size=3_000)
)


@given(
    burst=st.lists(SAID, min_size=1, max_size=6),
    history=st.lists(SAID, max_size=12),
    facts=st.lists(st.tuples(TEXTS, TEXTS), max_size=8),
    summaries=st.lists(st.tuples(st.just(NOON), TEXTS), max_size=5),
    budget=st.integers(min_value=3_000, max_value=12_000),
)
@settings(max_examples=150, deadline=None)
def test_what_a_model_is_asked_never_exceeds_its_tokens(
    burst: list[Said],
    history: list[Said],
    facts: list[tuple[str, str]],
    summaries: list[tuple[object, str]],
    budget: int,
) -> None:
    wanted = agent_settings(input_tokens=budget)
    tools = [spec_of(name) for name in offered(wanted.tools, can_escalate=True)]
    material = Material(
        facts=tuple(facts),
        summaries=tuple(summaries),  # type: ignore[arg-type] # Instants, all NOON.
        history=tuple(history),
        burst=tuple(burst),
    )

    system, user = turns_of(wanted, material, mark=MARK, tools=tools)

    assert fixed_tokens(system.text, tools) + TURN_TOKENS + estimate(user.text) <= budget
    found = blocks_of(user.text, MARK)
    said = [one["text"] for one in found["burst"]]
    assert len(said) >= 1, "the last message of the burst is always there, if only its beginning"
    assert said[-1] == burst[-1].text or burst[-1].text.startswith(said[-1].removesuffix("…"))
    if len(said) > 1:
        assert said == [one.text for one in burst][-len(said) :]
    remembered = [one["text"] for one in found.get("earlier messages", [])]
    assert remembered == [one.text for one in history][len(history) - len(remembered) :]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"instructions": "  "}, "ai.instructions"),
        ({"instructions": "x" * 20_001}, "ai.instructions"),
        ({"tools": ("look_up_contact", "send_money")}, "ai,tools,1"),
        ({"tools": ("escalate_to_human",)}, "ai,tools,0"),
        ({"temperature": 2.1}, "ai,temperature"),
        ({"output_tokens": 0}, "ai,outputTokens"),
        ({"input_tokens": 999}, "ai,inputTokens"),
        ({"instructions": "x" * 10_000, "input_tokens": 2_000}, "ai,inputTokens"),
        ({"max_tool_calls": 9}, "ai,maxToolCalls"),
        ({"max_replies": 0}, "ai,maxReplies"),
        ({"contact_runs_per_day": -1}, "ai,contactRunsPerDay"),
        ({"daily_budget_microusd": -1}, "ai,dailyBudgetMicrousd"),
        ({"language": "portuguese!"}, "ai,language"),
        ({"fallback_message": "x" * 4_097}, "ai.fallbackMessage"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(changes: dict[str, object], field: str) -> None:
    with pytest.raises(DomainError) as caught:
        checked_settings(agent_settings(**changes))

    assert ",".join(caught.value.field) == field


def test_an_unknown_tool_is_answered_with_the_known_ones() -> None:
    with pytest.raises(DomainError) as caught:
        checked_settings(agent_settings(tools=("send_money",)))

    assert caught.value.message == (
        "There is no tool 'send_money'; the known ones are " + ", ".join(sorted(SELECTABLE)) + "."
    )


def test_settings_are_tidied() -> None:
    found = checked_settings(
        AgentSettings(
            instructions=" Seja breve. ",
            tools=("stay_silent", "stay_silent"),
            model=" ",
            fallback_message="",
        )
    )

    assert found == AgentSettings(instructions="Seja breve.", tools=("stay_silent",))


def test_only_agents_of_type_ai_have_settings() -> None:
    from domain.identity.agent import _settings

    assert _settings(AgentType.HUMAN, None) is None
    for type_, ai in ((AgentType.AI, None), (AgentType.BOT, agent_settings())):
        with pytest.raises(DomainError):
            _settings(type_, ai)


@pytest.mark.parametrize(
    ("text", "most", "limit", "expected"),
    [
        ("Oi", 3, 100, ("Oi",)),
        ("Um\n---\nDois\n --- \n\nTrês", 3, 100, ("Um", "Dois", "Três")),
        ("Um\n---\nDois\n---\nTrês", 2, 100, ("Um", "Dois\n\nTrês")),
        ("Um\n---\n\n---\nDois", 3, 100, ("Um", "Dois")),
        ("a b c --- d", 3, 100, ("a b c --- d",)),
        ("aaa bbb ccc", 5, 7, ("aaa bbb", "ccc")),
        ("aaaaaaaaaa", 5, 4, ("aaaa", "aaaa", "aa")),
        ("aaaaaaaaaa", 1, 4, ("aaa…",)),
    ],
)
def test_an_answer_becomes_messages(text: str, most: int, limit: int, expected: tuple[str, ...]) -> None:
    assert replies_of(text, most=most, limit=limit) == expected


@settings(deadline=None)
@given(
    st.text(alphabet="ab \n-", max_size=200),
    st.integers(min_value=1, max_value=4),
    st.integers(min_value=2, max_value=40),
)
def test_messages_fit_and_are_never_empty(text: str, most: int, limit: int) -> None:
    found = replies_of(text, most=most, limit=limit)

    assert len(found) <= most
    assert all(0 < len(one) <= limit and one.strip() for one in found)
