"""What models cost."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ai.chat import Usage
from domain.ai.price import Price, Prices

MINI = Price(prompt=150_000, cached=75_000, completion=600_000)
WHISPER = Price(minute=6_000)
PRICES = Prices({"gpt-4o-mini": MINI, "whisper-1": WHISPER})


def usage(prompt: int, completion: int, cached: int = 0) -> Usage:
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached)


def test_tokens_cost_their_price_rounded_up() -> None:
    assert PRICES.of_answer(usage(1_000_000, 1_000_000), model="gpt-4o-mini") == 750_000
    assert PRICES.of_answer(usage(1_000_000, 0, cached=1_000_000), model="gpt-4o-mini") == 75_000
    assert PRICES.of_answer(usage(1, 0), model="gpt-4o-mini") == 1
    assert PRICES.of_answer(usage(0, 0), model="gpt-4o-mini") == 0


def test_cached_tokens_without_a_price_cost_what_others_do() -> None:
    assert Price(prompt=10, completion=0).of(usage(1_000_000, 0, cached=500_000)) == 10


def test_minutes_cost_their_price_rounded_up() -> None:
    assert PRICES.of_sound(60.0, model="whisper-1") == 6_000
    assert PRICES.of_sound(0.001, model="whisper-1") == 1
    assert PRICES.of_sound(0.0, model="whisper-1") == 0


def test_what_is_unknown_costs_nobody_knows_what() -> None:
    assert PRICES.of_answer(usage(1, 1), model="other") is None
    assert PRICES.of_answer(None, model="gpt-4o-mini") is None
    assert PRICES.of_sound(60.0, model="gpt-4o-mini") is None
    assert PRICES.of_sound(None, model="whisper-1") is None
    assert Price(prompt=1).of(usage(1, 1)) is None


def test_a_dated_name_costs_what_the_model_does() -> None:
    dated = Prices({"gpt-4o-mini": MINI, "gpt-4o-mini-2024-07-18": Price(prompt=1, completion=1)})

    assert PRICES.of_answer(usage(1_000_000, 0), model="gpt-4o-mini-2025-01-31") == 150_000
    assert dated.of_answer(usage(1_000_000, 0), model="gpt-4o-mini-2024-07-18") == 1


def test_a_price_is_not_below_nothing() -> None:
    with pytest.raises(ValueError, match="-1 is below nothing"):
        Price(prompt=-1)


counts = st.integers(0, 10**12)


@given(
    prompt=counts, cached=counts, completion=counts, price=st.builds(Price, prompt=counts, completion=counts)
)
def test_a_cost_is_the_exact_one_rounded_up(prompt: int, cached: int, completion: int, price: Price) -> None:
    exact = Fraction(prompt * (price.prompt or 0) + completion * (price.completion or 0), 1_000_000)

    cost = price.of(usage(prompt, completion, cached))

    assert cost is not None
    assert exact <= cost < exact + 1


def test_an_answer_under_another_name_costs_what_was_asked_for_costs() -> None:
    assert PRICES.of_answer(usage(1_000_000, 0), model="eu.big-7", asked="gpt-4o-mini") == 150_000
    assert PRICES.of_answer(usage(1_000_000, 0), model="eu.big-7", asked="unheard-of") is None
