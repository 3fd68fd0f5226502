"""Asks WhatsApp what new groups are called, because no message tells."""

from collections.abc import Callable

import structlog

from domain.crm.channel import Channel, ChannelStatus
from domain.ids import ChatId, TenantId
from domain.values import WhatsAppAddress
from integrations.errors import IntegrationError
from integrations.waha.client import Waha
from persistence import upkeep
from persistence.database import Database
from persistence.events import Cause
from services.crm import upkeep as chores
from services.viewer import system_viewer

log = structlog.get_logger()

Dial = Callable[[Channel], Waha]

_AT_ONCE = 20
"""WhatsApp limits questions about groups; the rest waits for the next turn."""

_CAUSE = Cause(correlation_id="groups", actor="system")


async def name_groups(database: Database, *, dial: Dial) -> int:
    """Ask for the subjects that are due, and return how many groups were asked for."""
    due = await upkeep.unnamed_groups(database.system, now=database.clock.now(), limit=_AT_ONCE)
    for tenant_id, chat_id in due:
        subject = await _ask(database, tenant_id, chat_id, dial=dial)
        async with database.writing(tenant_id, _CAUSE) as uow:
            await chores.entitle(uow, system_viewer(tenant_id=tenant_id), chat_id=chat_id, subject=subject)
    return len(due)


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
