"""Works on bursts of messages once their writers pause: hands each to one worker, reads it, lets an agent answer."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from domain.crm.message_group import WORK_LEASE, MessageGroup
from domain.errors import Conflict
from domain.ids import ChannelId, MessageGroupId, ProjectId, TenantId, new_id, parse_type_id, type_id
from domain.operations.queue import JobOrder, job_key
from jobs.holding import held
from jobs.registry import Job, JobContext, job
from persistence.crm import message_groups as rows
from persistence.database import Database
from persistence.events import Cause
from persistence.outages import heed_cancellation
from services.crm import message_groups as service
from services.crm import quiet_groups
from services.ports import JobQueue
from services.viewer import Viewer, system_viewer

log = structlog.get_logger()

HOLD_SECONDS = WORK_LEASE.total_seconds() / 3
"""How often a worker says that it still works on a group."""

JOB = "message_group.process"

_LONGEST_SECONDS = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(seconds=60)
_CAUSE = Cause(correlation_id="message_groups", actor="system")

LATENESS = Histogram(
    "ventros_message_group_lateness_seconds",
    "From the end of a group's window to its claim.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
WORKED = Counter("ventros_message_groups", "Groups that were worked on, by what came of it.", ["outcome"])


class Answer(Protocol):
    """What answers a burst."""

    async def __call__(self, group: MessageGroup, token: UUID) -> bool:
        """Answer a group that was taken with the token; return whether it was settled along with the answer.

        Raises `Conflict` when the group was lost meanwhile, and anything else when it is to be tried again.
        """
        ...


async def claim(
    database: Database, tenant_id: TenantId, ids: Sequence[UUID], *, queue: JobQueue
) -> list[MessageGroupId]:
    """Close those of a tenant's groups whose time has come, leave a job for each, and return which."""
    now = database.clock.now()
    async with database.tenant_transaction(tenant_id) as connection:
        found = await rows.claim(connection, [MessageGroupId(id_) for id_ in ids], now=now, cause=_CAUSE)
        if not found:
            return []
        quiet = await rows.unanswered_channels(connection, (group.channel_id for group in found))
    closed = [group for group in found if group.flushed_at == now]
    for group in closed:
        LATENESS.observe(max((now - group.expires_at).total_seconds(), 0))
    if closed:
        await database.wake("outbox")
    # A job that gets lost is left again once the group's lease has passed.
    await queue.enqueue_many(_orders(found, quiet))
    return [group.id for group in found]


def processing(database: Database, *, answer: Answer | None) -> Job:
    """Return the job that works on one group, or on many that nobody answers."""

    async def run(context: JobContext, *group_ids: str) -> None:
        keys = [MessageGroupId(parse_type_id(group_id)[1]) for group_id in group_ids]
        if len(keys) > 1:
            keys = await process_quiet(database, context.tenant_id, keys)
        for key in keys:
            await process(database, context.tenant_id, key, answer=answer)

    return job(JOB, run, queue="fast", timeout_seconds=_LONGEST_SECONDS)


async def process(
    database: Database,
    tenant_id: TenantId,
    group_id: MessageGroupId,
    *,
    answer: Answer | None,
    hold_seconds: float = HOLD_SECONDS,
) -> bool:
    """Work on a group if it is its turn; return whether it was.

    Raises nothing: whatever fails, the group is tried again, by this worker or by another after its lease.
    """
    viewer = system_viewer(tenant_id=tenant_id)
    token = new_id()
    group = await _take(database, viewer, group_id, token)
    if group is None:
        return False

    async def hold() -> None:
        async with database.writing(tenant_id, _CAUSE) as uow:
            await service.hold(uow, viewer, group_id=group_id, token=token)

    try:
        async with held(hold, every=hold_seconds, what="message_group"):
            is_settled = answer is not None and await answer(group, token)
        if not is_settled:
            async with database.writing(tenant_id, _CAUSE) as uow:
                await service.complete(uow, viewer, group_id=group_id, token=token)
    except Conflict:
        # Cancelled, or taken over by another worker: what it did has had no effect.
        WORKED.labels("lost").inc()
        log.info("group.lost", group_id=str(group_id), attempt=group.attempts)
    except Exception as error:
        heed_cancellation()
        WORKED.labels("retried").inc()
        log.exception("group.failed", group_id=str(group_id), attempt=group.attempts)
        await _retry_later(database, viewer, group, token, error)
    else:
        WORKED.labels("completed").inc()
    return True


async def process_quiet(
    database: Database, tenant_id: TenantId, ids: Sequence[MessageGroupId]
) -> list[MessageGroupId]:
    """Complete those of the groups that nobody answers, all at once; return those that need a worker each."""
    now, token = database.clock.now(), new_id()
    try:
        async with database.tenant_transaction(tenant_id) as connection:
            done = await quiet_groups.settle(connection, ids, token=token, now=now, cause=_CAUSE)
    except Exception as error:  # noqa: BLE001 One of them may be at fault, or the server is away: one by one.
        heed_cancellation()
        log.warning("groups.not_settled", groups=len(ids), error=type(error).__name__)
        return list(ids)
    WORKED.labels("completed").inc(len(done.settled))
    if done.settled:
        await database.wake("outbox")
    if done.alarms:
        await database.set_alarms(done.alarms)
    return list(done.left)


async def _take(
    database: Database, viewer: Viewer, group_id: MessageGroupId, token: UUID
) -> MessageGroup | None:
    try:
        async with database.writing(viewer.tenant_id, _CAUSE) as uow:
            return await service.take(uow, viewer, group_id=group_id, token=token)
    except Exception as error:  # noqa: BLE001 Whatever it is, the group is handed out again.
        heed_cancellation()
        WORKED.labels("not_taken").inc()
        log.warning("group.not_taken", group_id=str(group_id), error=type(error).__name__)
        return None


def _orders(found: Sequence[MessageGroup], quiet: Collection[ChannelId]) -> list[JobOrder]:
    """Return a job for each group that may be answered, and one for all the others of a project."""
    together: dict[ProjectId, list[MessageGroup]] = defaultdict(list)
    for group in found:
        if group.channel_id in quiet:
            together[group.project_id].append(group)
    alone = [[group] for group in found if group.channel_id not in quiet]
    return [_order(groups) for groups in (*alone, *together.values())]


def _order(groups: Sequence[MessageGroup]) -> JobOrder:
    first = groups[0]
    return JobOrder(
        name=JOB,
        args=[str(first.tenant_id), *(type_id("grp", group.id) for group in groups)],
        id=job_key(JOB, first.tenant_id, first.id, *([len(groups)] if len(groups) > 1 else [])),
        queue="fast",
        project_id=first.project_id,
    )


async def _retry_later(
    database: Database, viewer: Viewer, group: MessageGroup, token: UUID, error: Exception
) -> None:
    pause = min(_FIRST_PAUSE * 2 ** (group.attempts - 1), _LONGEST_PAUSE)
    try:
        async with database.writing(viewer.tenant_id, _CAUSE) as uow:
            await service.retry_later(
                uow,
                viewer,
                group_id=group.id,
                token=token,
                error=f"{type(error).__name__} while the group was worked on.",
                until=uow.now + pause,
            )
    except Conflict:
        log.info("group.lost", group_id=str(group.id), attempt=group.attempts)
    except Exception as trouble:  # noqa: BLE001 As above: its lease ends.
        heed_cancellation()
        log.warning("group.not_given_back", group_id=str(group.id), error=type(trouble).__name__)
