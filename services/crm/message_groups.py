"""What can be done with bursts of messages: looked at, hurried, stopped by people; worked on by workers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.crm.message_group import GroupCancelReason, MessageGroup
from domain.identity.permission import Permission
from domain.ids import MessageGroupId
from persistence.crm.message_groups import GROUPS_DUE
from persistence.due import Alarm
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.crm.bursts import is_anything_open, parts_of
from services.scope import find_own, lock_own
from services.viewer import Viewer


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, MessageGroup]:
    """Return those of the groups that the viewer can see, by id."""
    viewer.require(Permission.MESSAGES_READ)
    return await find_own(reader.message_groups, viewer, ids)


async def browse(
    reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest
) -> Page[MessageGroup]:
    """Return a page of the project's groups."""
    viewer.require(Permission.MESSAGES_READ)
    return await reader.message_groups.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many groups the whole list has, up to the limit of counting."""
    viewer.require(Permission.MESSAGES_READ)
    return await reader.message_groups.count(viewer.project_id, listing)


async def flush(
    uow: UnitOfWork, viewer: Viewer, *, group_id: MessageGroupId, expected_version: int | None
) -> MessageGroup:
    """Wait for no further message. Raises `NotFound`, `VersionConflict`, or `InvalidState` unless it is PENDING."""
    viewer.require(Permission.CHATS_WRITE)
    group = await lock_own(uow.message_groups, viewer, group_id, expected_version=expected_version)
    group.flush(at=uow.now)
    return group


async def cancel(
    uow: UnitOfWork, viewer: Viewer, *, group_id: MessageGroupId, expected_version: int | None
) -> MessageGroup:
    """Let nothing follow from a group. Raises `NotFound`, `VersionConflict`, or `InvalidState` for a settled one."""
    viewer.require(Permission.CHATS_WRITE)
    group = await lock_own(uow.message_groups, viewer, group_id, expected_version=expected_version)
    group.cancel(GroupCancelReason.REQUESTED, at=uow.now)
    await let_next(uow, group)
    return group


async def take(
    uow: UnitOfWork, viewer: Viewer, *, group_id: MessageGroupId, token: UUID
) -> MessageGroup | None:
    """Let one worker work on a group, read; None when it is not its turn, or its files are still waited for."""
    viewer.require(Permission.CHATS_WRITE)
    group = await uow.message_groups.lock_if_there(group_id)
    if group is None or group.is_pending or group.is_settled:
        return None
    channel = await uow.channels.find(group.channel_id)
    patience = timedelta(milliseconds=channel.grouping.enrichment_timeout_ms if channel is not None else 0)
    until = (group.flushed_at or uow.now) + patience
    if uow.now < until and await is_anything_open(uow, group):
        group.wait_for_files(until, at=uow.now)
        return None
    if not group.take(token, at=uow.now):
        if group.is_settled:
            await let_next(uow, group)
        return None
    parts = await parts_of(uow, group)
    if not parts:
        group.cancel(GroupCancelReason.EMPTY, at=uow.now)
        await let_next(uow, group)
        return None
    group.read(parts, at=uow.now)
    return group


async def hold(uow: UnitOfWork, viewer: Viewer, *, group_id: MessageGroupId, token: UUID) -> None:
    """Keep a group for longer. Raises `Conflict` when it is not this worker's any more."""
    viewer.require(Permission.CHATS_WRITE)
    (await uow.message_groups.get_for_update(group_id)).hold(token, at=uow.now)


async def complete(uow: UnitOfWork, viewer: Viewer, *, group_id: MessageGroupId, token: UUID) -> None:
    """End the work on a group. Raises `Conflict` when it is not this worker's any more."""
    viewer.require(Permission.CHATS_WRITE)
    group = await uow.message_groups.get_for_update(group_id)
    group.complete(token, at=uow.now)
    await let_next(uow, group)


async def retry_later(
    uow: UnitOfWork, viewer: Viewer, *, group_id: MessageGroupId, token: UUID, error: str, until: datetime
) -> None:
    """Give a group back until then. Raises `Conflict` when it is not this worker's any more."""
    viewer.require(Permission.CHATS_WRITE)
    group = await uow.message_groups.get_for_update(group_id)
    group.retry_later(token, error=error, until=until, at=uow.now)
    if group.is_settled:
        await let_next(uow, group)


async def hurry(uow: UnitOfWork, viewer: Viewer, *, group_ids: Sequence[MessageGroupId]) -> None:
    """Let groups go on of whose files nothing is open any more."""
    viewer.require(Permission.CHATS_WRITE)
    for group_id in sorted(set(group_ids)):
        group = await uow.message_groups.lock_if_there(group_id)
        if group is not None and not await is_anything_open(uow, group):
            group.hurry(at=uow.now)


async def let_next(uow: UnitOfWork, group: MessageGroup) -> None:
    """Let the next group of the chat go on, which may have waited for this one past its time."""
    following = await uow.message_groups.pending_in(group.chat_id)
    if following is not None:
        # Also before its time, because its timer may go off before this transaction commits.
        uow.alarms.append(Alarm(GROUPS_DUE.name, following.tenant_id, following.id, following.expires_at))
