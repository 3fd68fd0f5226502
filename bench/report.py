"""What a benchmark hands back: a table for people and a file for programs."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench.measure import Ratio
from domain.clock import SystemClock

RESULTS = Path(__file__).parent / "results"

Scalar = str | int | float | bool | None


class Result(msgspec.Struct, kw_only=True):
    """One run of one benchmark.

    `samples` holds one number per round for each variant, in `unit`; `ratios` is what may be compared between
    machines; `facts` are single observations by variant, which other loads disturb, or counts, which nothing does.
    """

    name: str
    unit: str
    rounds: int
    round_seconds: float
    samples: dict[str, list[float]]
    ratios: list[Ratio]
    facts: dict[str, dict[str, Scalar]]
    notes: list[str] = msgspec.field(default_factory=list)
    foreign_cores: list[float] = msgspec.field(default_factory=list)
    """The processors that others used, round by round."""


def write(result: Result, directory: Path) -> Path:
    """Write the result as JSON and return the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{result.name}.json"
    document = {"made_at": _now(), "machine": _machine(), **msgspec.to_builtins(result)}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    return path


def show(result: Result, console: Console) -> None:
    """Print the ratios first and the noisy numbers after them."""
    console.print()
    console.rule(f"[bold]{result.name}")
    console.print(_ratios(result.ratios))
    for table in _facts(result):
        console.print(table)
    for note in result.notes:
        console.print(f"  {note}", highlight=False)
    if result.foreign_cores:
        worst = max(result.foreign_cores)
        console.print(f"  Others used up to {worst:.1f} cores during a round.", highlight=False)


def _ratios(ratios: Sequence[Ratio]) -> Table:
    table = Table(title="Ratios within a round (these may be compared)", title_justify="left")
    table.add_column("ratio", no_wrap=True)
    for heading in ("median", "lowest", "highest", "target"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    colours = {"met": "green", "missed": "red", "inconclusive": "yellow", "measured": "dim"}
    for one in ratios:
        table.add_row(
            one.name,
            f"{one.median:.2f}x",
            f"{one.low:.2f}",
            f"{one.high:.2f}",
            "" if one.target is None else f">= {one.target:g}",
            f"[{colours[one.verdict]}]{one.verdict}",
        )
    return table


def _facts(result: Result) -> Sequence[Table]:
    # Variants that report the same things share a table.
    groups: dict[tuple[str, ...], dict[str, Mapping[str, Scalar]]] = {}
    for variant, facts in result.facts.items():
        groups.setdefault(tuple(facts), {})[variant] = facts
    tables = []
    for number, (columns, rows) in enumerate(groups.items()):
        title = "Absolute numbers (noisy; counts are exact)" if number == 0 else None
        table = Table(title=title, title_justify="left")
        table.add_column("", no_wrap=True)
        for column in columns:
            table.add_column(column.replace("_", " "), justify="right")
        for variant, values in rows.items():
            table.add_row(variant, *(_text(values[column]) for column in columns))
        tables.append(table)
    return tables


def _text(value: Scalar) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _now() -> datetime:
    return SystemClock().now()


def _machine() -> dict[str, Any]:  # Any: JSON.
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
    }
