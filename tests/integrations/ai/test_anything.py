"""Whatever a provider answers, it becomes an answer or one of our errors."""

import contextlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.ai.chat import Answer, Finish
from integrations.ai.answers import answer_of
from integrations.ai.questions import question
from integrations.ai.transport import refusal_of, retry_after
from integrations.errors import Malformed, Rejected, Unavailable
from tests.integrations.ai.provider import NOW

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["stop", "{}", "[]"])
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def fields(**known: st.SearchStrategy) -> st.SearchStrategy:
    """Objects that have the members, or some of them, right or wrong."""
    some = st.fixed_dictionaries({}, optional={name: one | anything for name, one in known.items()})
    whole = st.fixed_dictionaries(known)
    return whole | whole | whole | some


functions = fields(name=st.text(), arguments=st.sampled_from(["{}", '{"a": 1}', "[", ""]))
tool_calls = st.lists(fields(id=st.text(), function=functions), max_size=3)
messages = fields(
    content=st.none() | st.text(), tool_calls=st.none() | tool_calls, refusal=st.none() | st.just("No")
)
reasons = st.sampled_from(["stop", "length", "tool_calls", "content_filter"])
choices = st.lists(fields(message=messages, finish_reason=reasons), min_size=1, max_size=2)
usages = fields(prompt_tokens=st.integers(), completion_tokens=st.integers(), prompt_tokens_details=anything)
bodies = fields(choices=choices, usage=usages, model=st.text())


@given(body=bodies, is_json=st.booleans())
def test_any_object_is_an_answer_or_malformed(body: dict, is_json: bool) -> None:
    answer = None
    with contextlib.suppress(Malformed):
        answer = answer_of(body, model="m", is_json=is_json)

    if isinstance(answer, Answer):
        assert (answer.finish is Finish.TOOL_CALLS) == bool(answer.tool_calls)
        assert all(isinstance(one.arguments, dict) for one in answer.tool_calls)
        assert len({one.id for one in answer.tool_calls}) == len(answer.tool_calls)
        # It can be said again.
        msgspec.json.encode(question([answer.turn], model="m"))


@given(status=st.integers(300, 599), content=st.binary(max_size=50), wait=st.text(max_size=40))
def test_any_refusal_is_one_of_two(status: int, content: bytes, wait: str) -> None:
    problem = refusal_of(status, content, {"Retry-After": wait}, now=NOW)

    assert type(problem) in {Rejected, Unavailable}
    assert (type(problem) is Unavailable) == (
        status in {408, 409, 425, 429} or (status >= 500 and status != 501)
    )


@given(
    value=st.text(max_size=40) | st.from_regex(r"\w{3}, \d{1,6} \w{3} \d{1,6} \d\d:\d\d:\d\d [+-]?\w{1,5}")
)
def test_any_retry_after_is_a_bounded_wait_or_none(value: str) -> None:
    seconds = retry_after({"Retry-After": value}, now=NOW)

    assert seconds is None or 0.0 <= seconds <= 86_400.0
