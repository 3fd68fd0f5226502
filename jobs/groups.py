"""Asks WhatsApp what new groups are called, because no message tells."""

from collections.abc import Callable

import structlog

from domain.crm.channel import Channel, ChannelStatus
from domain.ids import ChatId, TenantId, parse_type_id, type_id
from domain.operations.queue import JobOrder, job_key
from domain.values import WhatsAppAddress
from integrations.errors import IntegrationError
from integrations.waha.client import Waha
from jobs.registry import Job, JobContext, job
from persistence import upkeep
from persistence.database import Database
from persistence.events import Cause
from services.crm import upkeep as chores
from services.ports import JobQueue
from services.viewer import system_viewer

log = structlog.get_logger()

Dial = Callable[[Channel], Waha]

JOB = "group.name"

_AT_ONCE = 20
"""WhatsApp limits questions about groups; the rest waits for the next turn."""

_CAUSE = Cause(correlation_id="groups", actor="system")


async def place_unnamed(database: Database, queue: JobQueue) -> int:
    """Leave a job for each of the groups that are due; return how many wait."""
    due = await upkeep.unnamed_groups(database.system, now=database.clock.now(), limit=_AT_ONCE)
    return await queue.enqueue_many(
        [
            JobOrder(
                name=JOB,
                args=[str(tenant_id), type_id("cht", chat_id)],
                id=job_key(JOB, tenant_id, chat_id),
                queue="default",
            )
            for tenant_id, chat_id in due
        ]
    )


def naming(database: Database, *, dial: Dial) -> Job:
    """Return the job that asks for the subject of one group."""

    async def run(context: JobContext, chat_id: str) -> None:
        await name_group(database, context.tenant_id, ChatId(parse_type_id(chat_id)[1]), dial=dial)

    return job(JOB, run, timeout_seconds=60)


async def name_group(database: Database, tenant_id: TenantId, chat_id: ChatId, *, dial: Dial) -> None:
    """Ask for the subject of a group and file it, or note when to ask again."""
    subject = await _ask(database, tenant_id, chat_id, dial=dial)
    async with database.writing(tenant_id, _CAUSE) as uow:
        await chores.entitle(uow, system_viewer(tenant_id=tenant_id), chat_id=chat_id, subject=subject)


async def _ask(database: Database, tenant_id: TenantId, chat_id: ChatId, *, dial: Dial) -> str | None:
    async with database.reading(tenant_id) as reader:
        chat = await reader.chats.find(chat_id)
        channel = await reader.channels.find(chat.channel_id) if chat is not None else None
    address = WhatsAppAddress.parse(chat.external_id) if chat is not None else None
    if channel is None or address is None or channel.status is not ChannelStatus.ACTIVE:
        return None
    try:
        return await dial(channel).group_subject(channel.waha_session, address)
    except IntegrationError as problem:
        log.info("group.unnamed", chat_id=str(chat_id), code=problem.code)
        return None
