"""Ratios of things measured side by side, and how far they can be trusted."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

INCONCLUSIVE_SPREAD = 1.7
"""Rounds whose ratios lie further apart than this, largest to smallest, say nothing."""

T = TypeVar("T")


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times more `of` did than `over` in the same round; `target` is the least it should be."""

    name: str
    of: str
    over: str
    median: float
    low: float
    high: float
    spread: float
    target: float | None
    verdict: str
    """met, missed, inconclusive, or measured where there is no target."""


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies in milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def rotated(variants: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Yield every variant once per round, each round beginning with another one."""
    for number in range(rounds):
        start = number % len(variants)
        for variant in (*variants[start:], *variants[:start]):
            yield number, variant


def compare(
    name: str,
    samples: Mapping[str, Sequence[float]],
    *,
    of: str,
    over: str,
    target: float | None = None,
) -> Ratio:
    """Return the median of the ratios of each round; `samples` holds one value per round and variant."""
    ratios = [mine / other for mine, other in zip(samples[of], samples[over], strict=True) if other > 0]
    if not ratios:
        raise ValueError(f"Nothing was measured for {over!r}, so {name!r} has no ratio.")
    low, high = min(ratios), max(ratios)
    median = statistics.median(ratios)
    spread = high / low if low > 0 else float("inf")
    return Ratio(
        name=name,
        of=of,
        over=over,
        median=median,
        low=low,
        high=high,
        spread=spread,
        target=target,
        verdict=_verdict(median, spread, target),
    )


def quantiles(seconds: Sequence[float]) -> Quantiles:
    """Return the median, the 99th percentile and the longest of some durations."""
    if not seconds:
        return Quantiles(count=0, p50_ms=0.0, p99_ms=0.0, max_ms=0.0)
    ordered = sorted(seconds)
    return Quantiles(
        count=len(ordered),
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)] * 1000,
        max_ms=ordered[-1] * 1000,
    )


def _verdict(median: float, spread: float, target: float | None) -> str:
    if spread > INCONCLUSIVE_SPREAD:
        return "inconclusive"
    if target is None:
        return "measured"
    return "met" if median >= target else "missed"
