"""What becomes of what is to be found out about a file, when the file is here or never will be."""

from domain.crm.channel import Channel
from domain.crm.content import MediaStatus, media_of
from domain.crm.enrichment import Enrichment
from domain.crm.enrichment_routing import Abilities, Wanted, is_heard, route
from domain.crm.message import Message
from domain.ids import MediaId
from persistence.unit_of_work import UnitOfWork
from services.crm.bursts import is_anything_open


async def file_stored(
    uow: UnitOfWork, message: Message, *, media_id: MediaId, channel: Channel, abilities: Abilities
) -> None:
    """Let workers begin, now that the true type and size of the file are known.

    What was asked for something the file is not is skipped; what can be had of what it is, is asked for.
    """
    asked = await uow.enrichments.of_file(media_id)
    wanted = await _wanted(uow, message, channel, abilities, is_asked=bool(asked))
    for enrichment in asked:
        need = wanted.pop(enrichment.type, None)
        if need is None:
            media = media_of(message.content)
            shown = media.mime_type if media is not None else None
            enrichment.skip(
                f"{enrichment.type.value} is not wanted, or not to be had, of a file of the type {shown}.",
                chat_id=message.chat_id,
                at=uow.now,
            )
        elif need.refusal is not None:
            enrichment.skip(need.refusal, chat_id=message.chat_id, at=uow.now)
        else:
            enrichment.file_stored(at=uow.now)
    missing = list(wanted.values())
    if missing:
        missing = await _not_asked_yet(uow, message, missing)
    for need in missing:
        asked.append(_request(uow, message, media_id, need))
    if any(one.due_at is not None for one in asked):
        uow.wakes.add("enrichments")
    if any(not one.is_open for one in asked):
        await let_group_go_on(uow, message)


async def file_lost(uow: UnitOfWork, message: Message, *, media_id: MediaId, reason: str) -> None:
    """Give up what is asked about a file that will not come."""
    asked = await uow.enrichments.of_file(media_id)
    for enrichment in asked:
        enrichment.file_lost(reason, chat_id=message.chat_id, at=uow.now)
    if asked:
        await let_group_go_on(uow, message)


async def let_group_go_on(uow: UnitOfWork, message: Message) -> None:
    """Let the burst of a message be worked on at once, if nothing more is to be expected of its files.

    The group is locked before it is looked at, so that of two that end at the same time the later one sees both.
    """
    if message.group_id is None:
        return
    await uow.session.flush()
    group = await uow.message_groups.lock_if_there(message.group_id)
    if group is not None and not await is_anything_open(uow, group):
        group.hurry(at=uow.now)


async def _wanted(
    uow: UnitOfWork, message: Message, channel: Channel, abilities: Abilities, *, is_asked: bool
) -> dict[object, Wanted]:
    media = media_of(message.content)
    if not message.is_inbound or media is None or media.status is not MediaStatus.STORED:
        return {}
    if not is_asked:
        if not abilities.kinds:
            return {}
        chat = await uow.chats.find(message.chat_id)
        if chat is None or not is_heard(chat.type, group_chats=channel.grouping.has_group_chats):
            return {}
    needs = route(message.content, rules=channel.enrichment, abilities=abilities)
    return {need.kind: need for need in needs}


async def _not_asked_yet(uow: UnitOfWork, message: Message, needs: list[Wanted]) -> list[Wanted]:
    """Return the needs that the message has nothing of; it may have had another file."""
    known = (await uow.enrichments.of_messages([message.id])).get(message.id, [])
    types = {one.type for one in known}
    return [need for need in needs if need.kind not in types]


def _request(uow: UnitOfWork, message: Message, media_id: MediaId, need: Wanted) -> Enrichment:
    enrichment = uow.enrichments.add(
        Enrichment.request(
            tenant_id=message.tenant_id,
            project_id=message.project_id,
            chat_id=message.chat_id,
            message_id=message.id,
            media_id=media_id,
            type_=need.kind,
            priority=need.priority,
            at=uow.now,
        )
    )
    if need.refusal is not None:
        enrichment.skip(need.refusal, chat_id=message.chat_id, at=uow.now)
    else:
        enrichment.file_stored(at=uow.now)
    return enrichment
