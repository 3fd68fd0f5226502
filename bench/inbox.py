"""The inbox: a GraphQL query over the real API, against the same answer by hand-written SQL over a bare server."""

import asyncio
import json
import statistics
from contextlib import AsyncExitStack
from typing import Any

from bench import processor
from bench.http_load import Seen, Task, load
from bench.inbox_data import seed
from bench.measure import compare, quantiles, rotated
from bench.programs import Program, limit, serving
from bench.report import Result, Scalar
from bench.run_settings import Bench
from bench.statements import counting
from tests.factories import open_shop

OURS, BARE = "GraphQL, ventros serve", "bare SQL"
CHATS, MESSAGES = 20, 5
DOCUMENT = f"""
query Inbox {{
  chats(first: {CHATS}) {{
    nodes {{
      id type status lastMessageAt
      contact {{ id name phone }}
      activeSession {{ id status messageCount lastActivityAt }}
      messages(last: {MESSAGES}) {{ nodes {{ id direction status text sentAt }} }}
    }}
    pageInfo {{ hasNextPage }}
  }}
}}
"""
_BODY = json.dumps({"query": DOCUMENT})
_COUNTED = 20


async def run(bench: Bench) -> Result:
    """Measure."""
    chats, per_chat = bench.size(5_000, small=50), bench.size(20, small=8)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        shop = await open_shop(database)
        await seed(database, shop, chats=chats, messages_per_chat=per_chat)
        settings = {
            "BENCH_TENANT": str(shop.tenant_id),
            "BENCH_PROJECT": str(shop.project_id),
            "BENCH_CHATS": str(CHATS),
            "BENCH_MESSAGES": str(MESSAGES),
        }
        programs: dict[str, Program] = {
            OURS: await stack.enter_async_context(serving(bench.servers)),
            BARE: await stack.enter_async_context(limit(bench.servers, "limit_inbox", **settings)),
        }
        headers = {"Authorization": f"Bearer {shop.api_key}", "Accept": "application/json"}
        answers = {name: await ask(program.port, headers) for name, program in programs.items()}
        _require_equal(answers[OURS], answers[BARE])
        statements = {name: await _count(bench, name, settings, headers) for name in programs}
        pids = [*bench.servers.pids, *(program.pid for program in programs.values())]
        rates: dict[str, list[float]] = {name: [] for name in programs}
        seen: dict[str, list[Seen]] = {name: [] for name in programs}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
        foreign_cores = []
        for number, name in rotated(list(programs), bench.rounds + 1):
            task = Task(
                port=programs[name].port,
                path="/graphql",
                body=_BODY,
                seconds=bench.seconds,
                connections=bench.size(16, small=2),
                expect=200,
                forbid='"errors"',
                headers=headers,
            )
            foreign = processor.Foreign()
            foreign.begin(pids)
            before = _times(bench, programs[name])
            one = await load(task)
            after = _times(bench, programs[name])
            others = foreign.end(pids)
            if one.wrong or one.broken:
                raise RuntimeError(f"{name}: {one.wrong} wrong answers, {one.broken} lost connections.")
            if number:
                rates[name].append(one.answers / one.seconds)
                seen[name].append(one)
                times[name].append((after[0] - before[0], after[1] - before[1]))
                foreign_cores.append(others)
    spent = {
        name: [app / one.answers for (app, _), one in zip(times[name], seen[name], strict=True)]
        for name in programs
    }
    return Result(
        name="inbox",
        unit="requests/s",
        rounds=bench.rounds,
        round_seconds=bench.seconds,
        samples=rates,
        ratios=[
            compare("GraphQL / bare SQL", rates, of=OURS, over=BARE),
            compare("app processor time, bare SQL / GraphQL", spent, of=BARE, over=OURS),
        ],
        facts={
            name: _facts(rates[name], seen[name], times[name]) | {"statements": statements[name]}
            for name in programs
        },
        notes=[
            f"{CHATS} chats with contact, active session and the last {MESSAGES} messages, of {chats:,} chats and "
            f"{chats * per_chat:,} messages; both answers were equal before the clock ran.",
            "Statements per request include those that open and end the transaction.",
        ],
        foreign_cores=foreign_cores,
    )


async def ask(port: int, headers: dict[str, str]) -> Any:  # Any: JSON.
    """Return the data of the answer to the inbox query."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = [
            "POST /graphql HTTP/1.1",
            "Host: 127.0.0.1",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(_BODY)}",
            *lines,
        ]
        writer.write(("\r\n".join(head) + "\r\n\r\n" + _BODY).encode())
        status, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    if not status.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"The inbox was answered with {status[:100]!r}: {answer[:500]!r}")
    found = json.loads(answer)
    if found.get("errors"):
        raise RuntimeError(f"The inbox was answered with {answer[:500]!r}")
    # The extensions beside it tell the price of the operation.
    return found["data"]


def _require_equal(ours: object, bare: object) -> None:
    if ours == bare:
        return
    one, other = json.dumps(ours), json.dumps(bare)
    pairs = enumerate(zip(one, other, strict=False))
    start = max(next((place for place, (a, b) in pairs if a != b), min(len(one), len(other))) - 100, 0)
    raise RuntimeError(f"The inboxes differ: {one[start : start + 200]} but {other[start : start + 200]}")


async def _count(bench: Bench, name: str, settings: dict[str, str], headers: dict[str, str]) -> float:
    """Return how many statements a request takes once everything is prepared and remembered."""
    async with counting(bench.servers.database_url) as (url, counts):
        counted = {"DATABASE_URL": url}
        program = (
            serving(bench.servers, **counted)
            if name == OURS
            else limit(bench.servers, "limit_inbox", **settings, **counted)
        )
        async with program as running:
            for _ in range(3):
                await ask(running.port, headers)
            before = counts.run
            for _ in range(_COUNTED):
                await ask(running.port, headers)
            return (counts.run - before) / _COUNTED


def _times(bench: Bench, program: Program) -> tuple[float, float]:
    postgres = bench.servers.postgres_pid
    return processor.used([program.pid]), processor.used([postgres]) if postgres else 0.0


def _facts(rates: list[float], seen: list[Seen], times: list[tuple[float, float]]) -> dict[str, Scalar]:
    latency = quantiles([took for one in seen for took in one.latencies])
    answers = sum(one.answers for one in seen)
    return {
        "requests_per_second": statistics.median(rates),
        "p50_ms": latency.p50_ms,
        "p99_ms": latency.p99_ms,
        "app_cpu_us_per_request": sum(app for app, _ in times) / answers * 1e6,
        "postgres_cpu_us_per_request": sum(postgres for _, postgres in times) / answers * 1e6,
        "load_generator_cores": statistics.median(one.busy for one in seen),
    }
