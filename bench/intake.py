"""Webhooks per second of the real API, against an application that only checks signatures and one that inserts."""

import statistics
from contextlib import AsyncExitStack

import asyncpg

from bench import processor
from bench.http_load import PLACE, Seen, Task, load
from bench.measure import compare, quantiles, rotated
from bench.programs import Program, limit, serving
from bench.report import Result, Scalar
from bench.run_settings import Bench
from tests.factories import HMAC_KEY, open_shop
from tests.waha import Script

BODY_BYTES = 1_600
OURS, VERIFY_ONLY, SINGLE_INSERT = "ventros serve", "verify only", "single insert"


async def run(bench: Bench) -> Result:
    """Measure."""
    connections = bench.size(64, small=8)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        shop = await open_shop(database)
        ids = {"BENCH_TENANT": str(shop.tenant_id), "BENCH_CHANNEL": str(shop.channel_id)}
        programs: dict[str, Program] = {
            OURS: await stack.enter_async_context(serving(bench.servers)),
            VERIFY_ONLY: await stack.enter_async_context(
                limit(bench.servers, "limit_webhooks", "verify_only")
            ),
            SINGLE_INSERT: await stack.enter_async_context(
                limit(bench.servers, "limit_webhooks", "single_insert", **ids)
            ),
        }
        admin = await asyncpg.connect(bench.servers.database_url)
        stack.push_async_callback(admin.close)
        pids = [*bench.servers.pids, *(program.pid for program in programs.values())]
        rates: dict[str, list[float]] = {name: [] for name in programs}
        seen: dict[str, list[Seen]] = {name: [] for name in programs}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
        foreign_cores = []
        for number, name in rotated(list(programs), bench.rounds + 1):
            await admin.execute("TRUNCATE inbox_events")
            task = Task(
                port=programs[name].port,
                path=f"/webhooks/waha/{shop.webhook_token}",
                body=body(),
                seconds=bench.seconds,
                connections=connections,
                expect=202,
                key=HMAC_KEY,
            )
            foreign = processor.Foreign()
            foreign.begin(pids)
            before = _times(bench, programs[name])
            one = await load(task)
            after = _times(bench, programs[name])
            others = foreign.end(pids)
            await _check(admin, name, one)
            if number:
                # The first round warms caches and connections.
                rates[name].append(one.answers / one.seconds)
                seen[name].append(one)
                times[name].append((after[0] - before[0], after[1] - before[1]))
                foreign_cores.append(others)
    spent = {
        name: [app / one.answers for (app, _), one in zip(times[name], seen[name], strict=True)]
        for name in programs
    }
    return Result(
        name="intake",
        unit="webhooks/s",
        rounds=bench.rounds,
        round_seconds=bench.seconds,
        samples=rates,
        ratios=[
            compare("throughput / verify only", rates, of=OURS, over=VERIFY_ONLY, target=0.85),
            compare("throughput / single insert", rates, of=OURS, over=SINGLE_INSERT, target=2.5),
            compare("app processor time, verify only / ventros serve", spent, of=VERIFY_ONLY, over=OURS),
        ],
        facts={name: _facts(rates[name], seen[name], times[name]) for name in programs},
        notes=[
            f"{connections} keep-alive connections, signed bodies of {len(body())} bytes, every answer checked; "
            "what ventros serve and single insert answered was found in the table.",
        ],
        foreign_cores=foreign_cores,
    )


def body() -> str:
    """Return a webhook of the size that WAHA's usually have, with the place of what differs."""
    short = Script().message(PLACE, text="").decode()
    # The text appears twice: as WAHA tells it and inside the engine's own message.
    filler = "x" * max((BODY_BYTES - len(short)) // 2, 0)
    made = Script().message(PLACE, text=filler).decode()
    start = made.index('"id":"evt_') + len('"id":"')
    end = made.index('"', start)
    return f"{made[:start]}{PLACE}{made[end:]}"


async def _check(admin: "asyncpg.Connection[asyncpg.Record]", name: str, one: Seen) -> None:
    if one.wrong or one.broken:
        raise RuntimeError(
            f"{name}: {one.wrong} wrong answers, {one.broken} lost connections: {one.statuses}"
        )
    stored = await admin.fetchval("SELECT count(*) FROM inbox_events")
    if stored != (0 if name == VERIFY_ONLY else one.answers):
        raise RuntimeError(f"{name} accepted {one.answers} webhooks, but {stored} are stored.")


def _times(bench: Bench, program: Program) -> tuple[float, float]:
    postgres = bench.servers.postgres_pid
    return processor.used([program.pid]), processor.used([postgres]) if postgres else 0.0


def _facts(rates: list[float], seen: list[Seen], times: list[tuple[float, float]]) -> dict[str, Scalar]:
    latency = quantiles([took for one in seen for took in one.latencies])
    answers = sum(one.answers for one in seen)
    return {
        "webhooks_per_second": statistics.median(rates),
        "ack_p50_ms": latency.p50_ms,
        "ack_p99_ms": latency.p99_ms,
        "app_cpu_us_per_webhook": sum(app for app, _ in times) / answers * 1e6,
        "postgres_cpu_us_per_webhook": sum(postgres for _, postgres in times) / answers * 1e6,
        "load_generator_cores": statistics.median(one.busy for one in seen),
    }
