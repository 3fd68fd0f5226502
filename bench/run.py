"""`./run bench [NAME]...`: runs benchmarks, prints what they found and writes it to bench/results."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from rich.console import Console

from bench import debounce, end_to_end, inbox, intake, jobs, lanes, relay
from bench.report import RESULTS, Result, show, write
from bench.run_settings import Bench
from bench.servers import servers

BENCHMARKS: dict[str, Callable[[Bench], Awaitable[Result]]] = {
    "intake": intake.run,
    "lanes": lanes.run,
    "end-to-end": end_to_end.run,
    "inbox": inbox.run,
    "relay": relay.run,
    "jobs": jobs.run,
    "debounce": debounce.run,
}


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all. A missed target is reported and is no failure; a wrong answer is one."""
    given = _parsed(arguments)
    console = Console()
    if not console.is_terminal:
        console.width = 120
    for name in given.names or BENCHMARKS:
        with servers() as started:
            bench = Bench(
                servers=started,
                rounds=2 if given.small else given.rounds,
                seconds=0.2 if given.small else given.seconds,
                is_small=given.small,
            )
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, console.status(f"{name}…"):
                result = runner.run(_run(name, bench))
        show(result, console)
        console.print(f"  Written to {write(result, given.results)}", highlight=False)
    return 0


async def _run(name: str, bench: Bench) -> Result:
    return await BENCHMARKS[name](bench)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=7, help="measured rounds, after one to warm up")
    parser.add_argument("--seconds", type=float, default=1.0, help="the length of a round of one variant")
    parser.add_argument("--small", action="store_true", help="a few seconds in all; says nothing about speed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
