"""How fast webhooks are filed, in lanes and batches and, beside that, one webhook per transaction."""

import asyncio
import statistics
from contextlib import AsyncExitStack

import asyncpg

from bench import lane_worker, processor
from bench.lane_worker import LaneWorker
from bench.measure import compare, rotated
from bench.report import Result, Scalar
from bench.run_settings import Bench
from bench.statements import counting
from bench.traffic import Traffic
from persistence.database import Database
from tests.factories import Shop, open_shop, receive, work_off

ONE, TWO, STEPWISE = "lanes, 1 process", "lanes, 2 processes", "stepwise, 1 process"
LOOPS = 2
"""Claim loops per process, as VENTROS_LANE_WORKERS is by default."""


async def run(bench: Bench) -> Result:
    """Measure."""
    traffic = Traffic(people=bench.size(400, small=20))
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        shop = await open_shop(database)
        admin = await asyncpg.connect(bench.servers.database_url)
        stack.push_async_callback(admin.close)
        await receive(database, shop, traffic.events(bench.size(3000, small=60)))
        await work_off(database)
        await admin.execute("ANALYZE")
        workers = {
            ONE: [await _worker(stack, bench, "lanes")],
            TWO: [await _worker(stack, bench, "lanes") for _ in range(2)],
            STEPWISE: [await _worker(stack, bench, "stepwise")],
        }
        pids = [*bench.servers.pids, *(worker.pid for group in workers.values() for worker in group)]
        # Enough webhooks for about one round each; the first round tells how many that is.
        amounts = {
            name: bench.size(200 if name == STEPWISE else 2000, small=10 if name == STEPWISE else 40)
            for name in workers
        }
        samples: dict[str, list[float]] = {name: [] for name in workers}
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        foreign_cores = []
        for number, name in rotated(list(workers), bench.rounds + 1):
            foreign = processor.Foreign()
            before = traffic.messages
            await receive_all(database, shop, traffic.events(amounts[name]))
            foreign.begin(pids)
            one = await _file(workers[name])
            others = foreign.end(pids)
            one["messages"] = traffic.messages - before
            await _check(admin, traffic)
            if number:
                samples[name].append(one["events"] / one["seconds"])
                runs[name].append(one)
                foreign_cores.append(others)
            elif not bench.is_small:
                amounts[name] = max(int(one["events"] / one["seconds"] * bench.seconds), 50)
        counted = await _count(bench, database, shop, traffic)
    return Result(
        name="lanes",
        unit="webhooks/s",
        rounds=bench.rounds,
        round_seconds=bench.seconds,
        samples=samples,
        ratios=[
            compare("lanes / stepwise, 1 process", samples, of=ONE, over=STEPWISE, target=8),
            compare("2 processes / 1 process", samples, of=TWO, over=ONE),
        ],
        facts={name: _facts(runs[name]) for name in workers} | counted,
        notes=[
            f"{traffic.people} people; {LOOPS} claim loops per process; every message was found filed once.",
        ],
        foreign_cores=foreign_cores,
    )


async def receive_all(database: Database, shop: Shop, events: list[bytes]) -> None:
    """Put webhooks into the inbox, some hundreds at a time."""
    for start in range(0, len(events), 500):
        await receive(database, shop, events[start : start + 500])


async def _worker(stack: AsyncExitStack, bench: Bench, mode: str) -> LaneWorker:
    worker = await lane_worker.start(bench.servers.database_url, mode=mode, loops=LOOPS)
    stack.push_async_callback(worker.stop)
    return worker


async def _file(workers: list[LaneWorker]) -> dict[str, float]:
    done = await asyncio.gather(*(worker.file() for worker in workers))
    return {
        "events": sum(one.events for one in done),
        "batches": sum(one.batches for one in done),
        "busy": sum(one.busy for one in done),
        "seconds": max(one.ended for one in done) - min(one.began for one in done),
    }


async def _check(admin: "asyncpg.Connection[asyncpg.Record]", traffic: Traffic) -> None:
    filed = await admin.fetchval("SELECT count(*) FROM messages")
    dead = await admin.fetchval("SELECT count(*) FROM inbox_dead")
    if filed != traffic.messages or dead:
        raise RuntimeError(
            f"{traffic.messages} messages were sent, {filed} are filed, {dead} webhooks are dead."
        )
    # Nobody moves the events here; a long outbox would slow the later rounds down.
    await admin.execute("TRUNCATE outbox, inbox_archive")


async def _count(
    bench: Bench, database: Database, shop: Shop, traffic: Traffic
) -> dict[str, dict[str, Scalar]]:
    """Count the statements of one claim loop; what the second run counts has no preparing in it."""
    facts: dict[str, dict[str, Scalar]] = {}
    for waiting in (bench.size(1000, small=40), bench.size(100, small=20), 1):
        async with counting(bench.servers.database_url) as (url, statements):
            worker = await lane_worker.start(url, mode="lanes", loops=1)
            try:
                await receive_all(database, shop, traffic.events(waiting))
                await worker.file()
                # What it takes to find out that nothing is left, which ends every run.
                before = statements.run
                await worker.file()
                idle = statements.run - before
                before, messages = statements.run, traffic.messages
                await receive_all(database, shop, traffic.events(waiting))
                filed = await worker.file()
                run, sent = statements.run - before - idle, traffic.messages - messages
            finally:
                await worker.stop()
        facts[f"{filed.events} webhooks waiting"] = {
            "batches": filed.batches,
            "messages": sent,
            "statements": run,
            "statements_per_batch": run / filed.batches,
            "statements_per_message": run / sent,
        }
    return facts


def _facts(runs: list[dict[str, float]]) -> dict[str, Scalar]:
    events = sum(one["events"] for one in runs)
    return {
        "webhooks_per_second": statistics.median(one["events"] / one["seconds"] for one in runs),
        "messages_per_second": statistics.median(one["messages"] / one["seconds"] for one in runs),
        "webhooks_per_batch": events / sum(one["batches"] for one in runs),
        "cpu_us_per_webhook": sum(one["busy"] for one in runs) / events * 1e6,
    }
