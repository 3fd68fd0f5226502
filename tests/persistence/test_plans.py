"""What is asked all the time stays cheap however much there is: each query looks at little more than it returns."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from domain.clock import SystemClock
from domain.crm.enrichment import EnrichmentKind
from domain.ids import MessageId, TenantId, new_id
from persistence.crm import enrichments
from persistence.crm.message_groups import GROUPS_DUE
from persistence.crm.scheduled_messages import SCHEDULED_DUE
from persistence.crm.sessions import SESSIONS_DUE
from persistence.database import SYSTEM_ROLE, Database
from persistence.due import DueQueue
from persistence.operations import job_runs

CLOCK = SystemClock()
TENANT = TenantId(new_id())
TABLES = "enrichments, job_runs, message_groups, scheduled_messages, sessions"

# A provider was away for long, so half of all enrichments wait; the same of jobs have failed, in the last weeks.
FILL = """
SET session_replication_role = replica;
CREATE TEMP TABLE n AS SELECT n, gen_random_uuid() AS id, now() - n * interval '30 seconds' AS at
  FROM generate_series(1, 60000) n;
INSERT INTO enrichments (tenant_id, id, project_id, message_id, media_id, type, status, priority, details,
    is_cached, requested_at, attempts, due_at, created_at, updated_at, version)
  SELECT '{tenant}', id, id, id, id, CASE n % 2 WHEN 0 THEN 'TRANSCRIPTION' ELSE 'DESCRIPTION' END, 'PENDING',
    (ARRAY[10, 8, 7, 3])[1 + n % 4], '{{}}', false, at, 1,
    CASE WHEN n % 4 < 2 THEN at WHEN n % 4 = 2 THEN now() + interval '10 minutes' END, at, at, 1 FROM n;
INSERT INTO job_runs (tenant_id, id, name, queue, key, arguments, status, attempts, is_cancel_requested,
    enqueued_at, started_at, finished_at, updated_at, version)
  SELECT '{tenant}', id, 'x', 'fast', 'k', '[]', CASE WHEN n <= 200 THEN 'RUNNING' WHEN n = 300 THEN 'CANCELLED'
    WHEN n % 2 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END, 1, n % 50 = 0, at, at, CASE WHEN n <= 200 THEN NULL
    WHEN n = 300 THEN now() WHEN n % 2 = 0 THEN at - interval '20 days' WHEN n % 10 = 1 THEN now() - interval '10 days'
    ELSE now() - interval '1 day' END, at, 1 FROM n;
INSERT INTO message_groups (tenant_id, id, project_id, channel_id, chat_id, status, message_ids, first_sent_at,
    opened_at, expires_at, deadline_at, due_at, attempts, parts, created_at, updated_at, version)
  SELECT '{tenant}', id, id, id, id, CASE WHEN n <= 2000 THEN 'PENDING' ELSE 'COMPLETED' END, '[]', at, at, at, at,
    CASE WHEN n <= 2000 THEN now() + (n - 100) * interval '1 minute' END, 0, '[]', at, at, 1 FROM n WHERE n <= 20000;
INSERT INTO scheduled_messages (tenant_id, id, project_id, channel_id, "to", content, send_at, late, status, due_at,
    attempts, created_at, updated_at, version)
  SELECT '{tenant}', id, id, id, '+5511', '{{}}', at, 'SEND_LATE', CASE WHEN n <= 2000 THEN 'SCHEDULED' ELSE 'SENT' END,
    CASE WHEN n <= 2000 THEN now() + (n - 100) * interval '1 minute' END, 0, at, at, 1 FROM n WHERE n <= 20000;
INSERT INTO sessions (tenant_id, id, project_id, channel_id, chat_id, contact_id, status, started_at,
    last_activity_at, timeout_seconds, timeout_at, message_count, contact_message_count, created_at, updated_at,
    version, due_at)
  SELECT '{tenant}', id, id, id, id, id, CASE WHEN n <= 9000 THEN 'ACTIVE' ELSE 'ENDED' END, at, at, 60, at, 1, 1,
    at, at, 1, CASE WHEN n <= 9000 THEN now() + (n - 100) * interval '1 minute' END FROM n WHERE n <= 20000;
DROP TABLE n;
ANALYZE {tables};
"""


@pytest.fixture(scope="module")
async def filled(postgres_url: str) -> AsyncIterator[str]:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(FILL.format(tenant=TENANT, tables=TABLES))
    yield postgres_url
    await connection.execute(f"TRUNCATE {TABLES} CASCADE")
    await connection.close()


class Explaining:
    """In place of the system's pool: runs each statement in vain, and notes the most rows that any step looked at."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self.most = 0

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        transaction = self.connection.transaction()
        await transaction.start()
        await self.connection.execute(f"SET LOCAL ROLE {SYSTEM_ROLE}")
        plan = await self.connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments)
        await transaction.rollback()
        self.most = max(self.most, most_rows(plan))
        return []

    async def fetchval(self, statement: str, *arguments: object) -> None:
        await self.fetch(statement, *arguments)

    async def execute(self, statement: str, *arguments: object) -> str:
        await self.fetch(statement, *arguments)
        return "DONE 0"


def most_rows(plan: str | list[Any]) -> int:
    """Return how many rows the busiest step of a plan has read, whether it kept them or not."""

    def steps(node: dict[str, Any]) -> list[int]:
        seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        read = int(seen * node["Actual Loops"])
        return [read, *(most for child in node.get("Plans", ()) for most in steps(child))]

    ((root),) = json.loads(plan) if isinstance(plan, str) else plan
    return max(steps(root["Plan"]))


@pytest.fixture
async def system(filled: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(filled)
    yield Explaining(connection)
    await connection.close()


@pytest.mark.parametrize("kinds", [[EnrichmentKind.TRANSCRIPTION], list(EnrichmentKind)])
async def test_the_most_urgent_enrichments_are_found_among_many_that_wait(
    system: Any, kinds: list[EnrichmentKind]
) -> None:
    await enrichments.due(system, types=kinds, now=CLOCK.now(), limit=4)

    assert system.most <= 4 * len(kinds)


@pytest.mark.parametrize("queue", [GROUPS_DUE, SCHEDULED_DUE, SESSIONS_DUE], ids=lambda queue: queue.name)
async def test_what_is_due_is_found_among_many_that_are_not(system: Any, queue: DueQueue) -> None:
    await queue.due(system, now=CLOCK.now(), limit=200)
    await queue.next_at(system)

    assert 90 <= system.most <= 200


async def test_timers_are_set_anew_page_by_page(system: Any) -> None:
    await GROUPS_DUE.upcoming(system, after=None, limit=100)

    assert system.most <= 101


async def test_the_times_of_some_rows_are_found_by_their_keys(system: Any) -> None:
    await GROUPS_DUE.times(system, {TENANT: [new_id() for _ in range(50)]}, after=CLOCK.now())

    assert system.most <= 50


async def test_the_chores_of_jobs_look_at_what_is_open(system: Any) -> None:
    await job_runs.to_stop(system, since=CLOCK.now() - timedelta(hours=1), limit=100)
    await job_runs.give_up_lost(
        system,
        now=CLOCK.now(),
        running=CLOCK.now() - timedelta(minutes=30),
        waiting=CLOCK.now() - timedelta(days=2),
    )

    assert system.most <= 400


async def test_old_runs_are_found_among_failures_that_are_kept(system: Any) -> None:
    now = CLOCK.now()
    await job_runs.prune(
        system, successes=now - timedelta(days=7), failures=now - timedelta(days=90), limit=500
    )

    assert system.most <= 500


async def test_a_tenant_sees_what_its_jobs_do_without_a_look_at_their_history(filled: str) -> None:
    said: list[tuple[str, Any]] = []
    async with Database(filled, clock=CLOCK) as database, database.reading(TENANT) as reader:
        connection = await reader.session.connection()

        @event.listens_for(connection.sync_connection, "before_cursor_execute")
        def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, _m: bool) -> None:
            said.append((statement, parameters))

        await reader.job_runs.tally(since=CLOCK.now() - timedelta(hours=1))
        await reader.enrichments.open_among([MessageId(new_id()) for _ in range(5)])
        plans = [
            (
                await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            ).scalar()
            for statement, parameters in list(said)
        ]

    assert [most_rows(plan) <= 400 for plan in plans] == [True, True]
