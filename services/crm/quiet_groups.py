"""Bursts that no agent answers: read and completed many at a time, because nothing slow happens to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.crm.enrichment import OPEN, Enrichment
from domain.crm.message import Message
from domain.crm.message_group import GroupCancelReason, MessageGroup
from domain.ids import MessageGroupId
from persistence import bulk
from persistence.bulk import Connection
from persistence.crm.enrichments import enrichments
from persistence.crm.message_groups import message_groups, pending_alarms, take_unanswered
from persistence.crm.messages import messages
from persistence.due import Alarm
from persistence.events import Cause, outbox_rows
from persistence.messaging.events import outbox
from services.crm.bursts import parts
from services.crm.enrichment_texts import found_by_message


@dataclass(frozen=True, slots=True)
class Quiet:
    """What became of groups: those that were settled, those that need one worker each, and what is due next."""

    settled: tuple[MessageGroupId, ...]
    left: tuple[MessageGroupId, ...]
    alarms: tuple[Alarm, ...]


async def settle(
    connection: Connection, ids: Sequence[MessageGroupId], *, token: UUID, now: datetime, cause: Cause
) -> Quiet:
    """Complete those of a tenant's groups that no agent answers and whose files say all they will say.

    Seven statements for any number of groups. What is not this worker's turn is in neither list.
    """
    found, elsewhere = await take_unanswered(connection, ids)
    message_ids = [id_ for group in found for id_ in group.message_ids]
    known = await bulk.fetch(connection, Message, messages, "id = ANY($1::uuid[])", message_ids)
    files = await bulk.fetch(connection, Enrichment, enrichments, "message_id = ANY($1::uuid[])", message_ids)
    waiting = {one.message_id for one in files if one.status in OPEN}
    texts = found_by_message(files)
    by_id = {message.id: message for message in known}
    settled: list[MessageGroup] = []
    left = list(elsewhere)
    for group in found:
        if not waiting.isdisjoint(group.message_ids):
            left.append(group.id)
        elif group.take(token, at=now) or group.is_settled:
            if not group.is_settled:
                written = (by_id[id_] for id_ in group.message_ids if id_ in by_id)
                if said := parts(written, texts):
                    group.read(said, at=now)
                    group.complete(token, at=now)
                else:
                    group.cancel(GroupCancelReason.EMPTY, at=now)
            settled.append(group)
    await bulk.update_aggregates(connection, message_groups, settled)
    await bulk.insert(connection, outbox, outbox_rows(settled, cause))
    alarms = await pending_alarms(connection, [group.chat_id for group in settled])
    return Quiet(tuple(group.id for group in settled), tuple(left), tuple(alarms))
