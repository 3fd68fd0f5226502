"""Background jobs as operators see them: their own tenant's and project's only; run again, and cancelled."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from domain.identity.permission import ALL_PERMISSIONS, Permission
from domain.ids import JobRunId, ProjectId, TenantId, new_id, type_id
from domain.operations.job_run import JobStatus
from domain.operations.queue import QUEUES, JobOrder, job_key
from integrations.job_queue import RedisJobQueue, queue_key
from jobs import job_queues
from jobs.cancelling import end
from jobs.job_history import JobHistory
from jobs.job_runner import JobRunner
from jobs.registry import JobContext, Registry, job
from persistence.database import Database
from persistence.operations import job_runs
from persistence.operations.job_runs import JobReport
from tests.factories import CLOCK, Shop, open_shop
from tests.graphql.asking import Api
from tests.live.events import until

LIST = """query ($where: JobRunWhere, $orderBy: [JobRunOrder!]) {
  jobRuns(where: $where, orderBy: $orderBy) { totalCount nodes { id name status } }
}"""
ONE = """query ($id: ID!) { jobRun(id: $id) {
  id name queue subjectId status attempts isCancelRequested waitMs runMs errorClass errorMessage
  enqueuedAt startedAt finishedAt retriedFrom { id }
} }"""
RETRY = """mutation ($id: ID!) { jobRetry(input: {id: $id}) {
  jobRun { id status attempts retriedFrom { id } } userErrors { code message field }
} }"""
CANCEL = """mutation ($id: ID!) { jobCancel(input: {id: $id}) {
  jobRun { id status isCancelRequested } userErrors { code field }
} }"""
QUEUE_STATES = """{ queues {
  name waiting isWaitingCapped running oldestWaitingSeconds failedInLastHour
} }"""


def report(tenant_id: TenantId, status: JobStatus, **changes: object) -> JobReport:
    now = CLOCK.now()
    made = JobReport(
        tenant_id=tenant_id,
        id=JobRunId(new_id()),
        project_id=None,
        name="group.name",
        queue="default",
        key=job_key("group.name", tenant_id, new_id()),
        subject_id="cht_01jd0000000000000000000000",
        arguments=(str(tenant_id), "cht_01jd0000000000000000000000"),
        status=status,
        attempts=0 if status is JobStatus.QUEUED else 1,
        enqueued_at=now,
        started_at=None if status is JobStatus.QUEUED else now,
        finished_at=None if status in {JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING} else now,
        updated_at=now,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # The fields by name.


def public(run: JobReport) -> str:
    return type_id("job", run.id)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[RedisJobQueue]:
    async with Redis.from_url(redis_url) as client:
        await client.delete(*(queue_key(name) for name in QUEUES))
    async with RedisJobQueue(redis_url, clock=CLOCK) as opened:
        yield opened
    async with Redis.from_url(redis_url) as client:
        await client.delete(*(queue_key(name) for name in QUEUES))


@pytest.fixture
async def with_redis(database: Database, api: Api, queue: RedisJobQueue) -> Api:
    database.place = queue.enqueue_many
    api.installation = replace(api.installation, jobs=queue)
    return api


async def test_an_operator_sees_what_became_of_a_job(database: Database, shop: Shop, api: Api) -> None:
    run = report(
        shop.tenant_id, JobStatus.FAILED, wait_ms=3, run_ms=40, error_class="GiveUp", error_message="No."
    )
    await job_runs.write(database.system, [run])

    found = (await api.get(ONE, id=public(run)))["jobRun"]

    times = [found.pop(name) for name in ("enqueuedAt", "startedAt", "finishedAt")]
    assert all(times)
    assert found == {
        "id": public(run),
        "name": "group.name",
        "queue": "default",
        "subjectId": "cht_01jd0000000000000000000000",
        "status": "FAILED",
        "attempts": 1,
        "isCancelRequested": False,
        "waitMs": 3,
        "runMs": 40,
        "errorClass": "GiveUp",
        "errorMessage": "No.",
        "retriedFrom": None,
    }
    node = (await api.get("query ($id: ID!) { node(id: $id) { __typename } }", id=public(run)))["node"]
    assert node == {"__typename": "JobRun"}


async def test_lists_are_filtered_and_begin_with_what_began_last(
    database: Database, shop: Shop, api: Api
) -> None:
    now = CLOCK.now()
    early, late = (
        report(shop.tenant_id, JobStatus.SUCCEEDED, started_at=now - timedelta(minutes=minutes))
        for minutes in (2, 1)
    )
    waiting = report(shop.tenant_id, JobStatus.QUEUED)
    failed = report(shop.tenant_id, JobStatus.FAILED, name="file.fetch", queue="media", started_at=now)
    await job_runs.write(database.system, [early, late, waiting, failed])

    async def ids(**variables: object) -> list[str]:
        return [one["id"] for one in (await api.get(LIST, **variables))["jobRuns"]["nodes"]]

    assert await ids() == [public(one) for one in (waiting, failed, late, early)]
    assert await ids(where={"name": {"eq": "file.fetch"}}) == [public(failed)]
    assert await ids(where={"queue": {"eq": "default"}, "status": {"in": ["SUCCEEDED"]}}) == [
        public(late),
        public(early),
    ]
    assert await ids(orderBy=[{"field": "STARTED_AT", "nulls": "LAST"}]) == [
        public(one) for one in (early, late, failed, waiting)
    ]


async def test_other_tenants_and_projects_see_and_do_nothing(
    database: Database, shop: Shop, api: Api, stranger: Api
) -> None:
    ours = report(shop.tenant_id, JobStatus.FAILED)
    elsewhere = report(shop.tenant_id, JobStatus.FAILED, project_id=ProjectId(new_id()))
    await job_runs.write(database.system, [ours, elsewhere])

    for viewer, run in ((stranger, ours), (api, elsewhere)):
        assert (await viewer.get(ONE, id=public(run)))["jobRun"] is None
        for change in (RETRY, CANCEL):
            (answer,) = (await viewer.get(change, id=public(run))).values()
            assert [error["code"] for error in answer["userErrors"]] == ["NOT_FOUND"]
    assert (await stranger.get(LIST))["jobRuns"] == {"totalCount": 0, "nodes": []}
    assert {one["failedInLastHour"] for one in (await stranger.get(QUEUE_STATES))["queues"]} == {0}
    assert [one["id"] for one in (await api.get(LIST))["jobRuns"]["nodes"]] == [public(ours)]
    statuses = await database.system.fetch("SELECT status, is_cancel_requested FROM job_runs")
    assert [tuple(row) for row in statuses] == [("FAILED", False)] * 2


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("{ queues { name } }", Permission.JOBS_READ),
        ("{ jobRuns { nodes { id } } }", Permission.JOBS_READ),
        ('{ jobRun(id: "job_01jd0000000000000000000000") { id } }', Permission.JOBS_READ),
        (
            'mutation { jobRetry(input: {id: "job_01jd0000000000000000000000"}) { jobRun { id } } }',
            Permission.JOBS_WRITE,
        ),
        (
            'mutation { jobCancel(input: {id: "job_01jd0000000000000000000000"}) { jobRun { id } } }',
            Permission.JOBS_WRITE,
        ),
    ],
)
async def test_jobs_need_their_permissions(
    database: Database, shop: Shop, operation: str, permission: Permission
) -> None:
    viewer = replace(shop.viewer, permissions=ALL_PERMISSIONS - {permission})

    answer = await Api(database, viewer).ask(operation)

    assert answer.codes == ["FORBIDDEN"]


async def test_queues_count_the_viewers_jobs_only(
    database: Database, shop: Shop, with_redis: Api, queue: RedisJobQueue
) -> None:
    other = await open_shop(database, name="Outra")
    reports = [
        report(shop.tenant_id, JobStatus.RUNNING, queue="bulk"),
        report(shop.tenant_id, JobStatus.FAILED),
        report(shop.tenant_id, JobStatus.FAILED, finished_at=CLOCK.now() - timedelta(hours=2)),
        report(other.tenant_id, JobStatus.FAILED),
    ]
    await job_runs.write(database.system, reports)
    orders = [
        JobOrder(name="x", args=[str(tenant)], id=job_key("x", tenant, number), queue="default")
        for tenant, many in ((shop.tenant_id, 3), (other.tenant_id, 2))
        for number in range(many)
    ]
    assert await queue.enqueue_many(orders) == 5

    found = {one["name"]: one for one in (await with_redis.get(QUEUE_STATES))["queues"]}

    assert list(found) == ["fast", "default", "media", "bulk"]
    oldest = found["default"].pop("oldestWaitingSeconds")
    assert oldest >= 0
    assert found["default"] == {
        "name": "default",
        "waiting": 3,
        "isWaitingCapped": False,
        "running": 0,
        "failedInLastHour": 1,
    }
    assert found["bulk"]["running"] == 1
    assert found["fast"] == {
        "name": "fast",
        "waiting": 0,
        "isWaitingCapped": False,
        "running": 0,
        "oldestWaitingSeconds": None,
        "failedInLastHour": 0,
    }


async def test_a_failed_job_runs_again_as_a_new_run(
    database: Database, shop: Shop, with_redis: Api, queue: RedisJobQueue, redis_url: str
) -> None:
    failed = report(shop.tenant_id, JobStatus.FAILED)
    await job_runs.write(database.system, [failed])
    seen: list[tuple[TenantId, str]] = []

    async def name(context: JobContext, chat_id: str) -> None:
        seen.append((context.tenant_id, chat_id))

    answer = (await with_redis.get(RETRY, id=public(failed)))["jobRetry"]

    assert answer["userErrors"] == []
    assert answer["jobRun"]["status"] == "QUEUED"
    assert answer["jobRun"]["retriedFrom"] == {"id": public(failed)}
    history = JobHistory(database)
    runner = JobRunner(history, clock=CLOCK, queue=queue)
    serving = asyncio.create_task(
        job_queues.run_queues(redis_url, Registry([job("group.name", name)]), runner)
    )

    async def is_done() -> bool:
        await history.write()
        run = (await with_redis.get(ONE, id=answer["jobRun"]["id"]))["jobRun"]
        return bool(run["status"] == "SUCCEEDED")

    await until(is_done)
    await end([serving])
    assert seen == [(shop.tenant_id, failed.subject_id)]
    assert await database.system.fetchval("SELECT count(*) FROM job_runs") == 2


async def test_what_no_queue_took_is_placed_by_the_sweeper(
    database: Database, shop: Shop, api: Api, queue: RedisJobQueue
) -> None:
    failed = report(shop.tenant_id, JobStatus.FAILED)
    await job_runs.write(database.system, [failed])
    answer = (await api.get(RETRY, id=public(failed)))["jobRetry"]
    assert answer["jobRun"]["status"] == "QUEUED"

    assert await job_queues.sweep(database, queue) == 0
    await database.system.execute("UPDATE job_runs SET updated_at = now() - interval '1 minute'")
    assert await job_queues.sweep(database, queue) == 1

    waiting = await queue.waiting(shop.tenant_id)
    assert waiting is not None
    assert waiting["default"].count == 1


@pytest.mark.parametrize(
    "status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRYING, JobStatus.SUCCEEDED]
)
async def test_only_what_failed_or_was_cancelled_runs_again(
    database: Database, shop: Shop, api: Api, status: JobStatus
) -> None:
    run = report(shop.tenant_id, status)
    await job_runs.write(database.system, [run])

    answer = (await api.get(RETRY, id=public(run)))["jobRetry"]

    assert answer["jobRun"] is None
    assert answer["userErrors"] == [
        {
            "code": "INVALID_STATE",
            "message": f"The job is {status.value}; only what FAILED or was CANCELLED can be run again.",
            "field": ["id"],
        }
    ]
    assert await database.system.fetchval("SELECT count(*) FROM job_runs") == 1


@pytest.mark.parametrize(
    ("status", "then", "error"),
    [
        (JobStatus.QUEUED, "CANCELLED", None),
        (JobStatus.RETRYING, "CANCELLED", None),
        (JobStatus.RUNNING, "RUNNING", None),
        (JobStatus.SUCCEEDED, "SUCCEEDED", "INVALID_STATE"),
        (JobStatus.FAILED, "FAILED", "INVALID_STATE"),
        (JobStatus.CANCELLED, "CANCELLED", "INVALID_STATE"),
    ],
)
async def test_what_is_not_over_can_be_cancelled(
    database: Database, shop: Shop, api: Api, status: JobStatus, then: str, error: str | None
) -> None:
    run = report(shop.tenant_id, status)
    await job_runs.write(database.system, [run])

    answer = (await api.get(CANCEL, id=public(run)))["jobCancel"]

    assert [one["code"] for one in answer["userErrors"]] == ([] if error is None else [error])
    row = await database.system.fetchrow("SELECT status, is_cancel_requested FROM job_runs")
    assert tuple(row or ()) == (then, error is None)


async def test_cancelling_stops_a_running_job(
    database: Database, shop: Shop, with_redis: Api, queue: RedisJobQueue, redis_url: str
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(_context: JobContext) -> None:
        begun.set()
        await asyncio.Event().wait()
        ended.set()

    history = JobHistory(database)
    runner = JobRunner(history, clock=CLOCK, queue=queue)
    serving = asyncio.create_task(
        job_queues.run_queues(redis_url, Registry([job("endless", endless)]), runner)
    )
    key = job_key("endless", shop.tenant_id, 1)
    await queue.enqueue("endless", [str(shop.tenant_id)], id=key, queue="default")
    async with asyncio.timeout(10):
        await begun.wait()
    await history.write()
    (run,) = (await with_redis.get(LIST))["jobRuns"]["nodes"]
    assert run["status"] == "RUNNING"

    answer = (await with_redis.get(CANCEL, id=run["id"]))["jobCancel"]

    assert answer == {
        "jobRun": {"id": run["id"], "status": "RUNNING", "isCancelRequested": True},
        "userErrors": [],
    }

    async def is_cancelled() -> bool:
        await history.write()
        return bool((await with_redis.get(ONE, id=run["id"]))["jobRun"]["status"] == "CANCELLED")

    await until(is_cancelled)
    await end([serving])
    assert not ended.is_set()
    assert await database.system.fetchval("SELECT name FROM job_runs") == "endless"
