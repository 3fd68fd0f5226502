"""The benchmarks run, check what they measure, and write what they promise."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from bench.measure import Quantiles, compare, quantiles, rotated
from bench.run import BENCHMARKS

ROOT = Path(__file__).parents[2]
FIELDS = {
    "made_at",
    "machine",
    "name",
    "unit",
    "rounds",
    "round_seconds",
    "samples",
    "ratios",
    "facts",
    "notes",
    "foreign_cores",
}
RATIO_FIELDS = {"name", "of", "over", "median", "low", "high", "spread", "target", "verdict"}


@pytest.mark.parametrize("name", BENCHMARKS)
async def test_a_small_run_writes_the_promised_fields(
    name: str, admin_url: str, redis_url: str, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.run", name, "--small", "--results", str(tmp_path)),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": admin_url, "REDIS_URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()[-2000:]
    found = json.loads((tmp_path / f"{name}.json").read_bytes())
    assert set(found) == FIELDS
    assert (found["name"], found["rounds"]) == (name, 2)
    assert all(len(values) == 2 and min(values) > 0 for values in found["samples"].values())
    assert found["ratios"]
    for ratio in found["ratios"]:
        assert set(ratio) == RATIO_FIELDS
        assert ratio["low"] <= ratio["median"] <= ratio["high"]
        assert {ratio["of"], ratio["over"]} <= set(found["samples"])
    for facts in found["facts"].values():
        assert facts.get("lost", 0) == facts.get("doubled", 0) == 0


def test_a_ratio_is_the_median_of_the_ratios_of_its_rounds() -> None:
    ratio = compare("a / b", {"a": [10, 30, 80], "b": [10, 20, 40]}, of="a", over="b", target=1.2)

    assert (ratio.low, ratio.median, ratio.high) == (1.0, 1.5, 2.0)


@pytest.mark.parametrize(
    ("samples", "target", "verdict"),
    [
        ([10.0, 12.0], 1.0, "met"),
        ([10.0, 12.0], 1.2, "missed"),
        ([10.0, 17.1], 1.0, "inconclusive"),
        ([10.0, 17.1], None, "inconclusive"),
        ([10.0, 12.0], None, "measured"),
    ],
)
def test_rounds_that_disagree_say_nothing_about_a_target(
    samples: list[float], target: float | None, verdict: str
) -> None:
    ratio = compare("a / b", {"a": samples, "b": [10.0, 10.0]}, of="a", over="b", target=target)

    assert ratio.verdict == verdict


def test_every_variant_begins_a_round_in_turn() -> None:
    assert list(rotated("abc", 3)) == [
        *((0, one) for one in "abc"),
        *((1, one) for one in "bca"),
        *((2, one) for one in "cab"),
    ]


def test_quantiles_are_in_milliseconds() -> None:
    assert quantiles([number / 1000 for number in range(1, 101)]) == Quantiles(
        count=100, p50_ms=51.0, p99_ms=100.0, max_ms=100.0
    )
