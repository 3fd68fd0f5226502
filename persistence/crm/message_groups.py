"""Message groups: table, mapping, repository, and the claim of those whose time has come."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Text, Uuid, select, text

from domain.crm.message_group import GroupCancelReason, GroupPart, GroupStatus, MessageGroup
from domain.ids import ChannelId, ChatId, MessageGroupId, MessageId, ProjectId
from persistence import bulk
from persistence.bulk import Connection
from persistence.due import Alarm, DueQueue
from persistence.events import Cause, outbox_rows
from persistence.filters import Filterable
from persistence.messaging.events import outbox
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Branch, Collection, Listing, Page, PageRequest, SortKey, Term
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, instant

message_groups = tenant_table(
    "message_groups",
    Column("project_id", Uuid, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("chat_id", Uuid, nullable=False),
    Column("contact_id", Uuid),
    Column("session_id", Uuid),
    Column("status", EnumText(GroupStatus), nullable=False),
    Column("cancel_reason", EnumText(GroupCancelReason)),
    Column("message_ids", AsJSON[tuple[MessageId, ...]](tuple[UUID, ...]), nullable=False),
    Column("first_sent_at", instant(), nullable=False),
    Column("opened_at", instant(), nullable=False),
    Column("expires_at", instant(), nullable=False),
    Column("deadline_at", instant(), nullable=False),
    Column("flushed_at", instant()),
    Column("due_at", instant()),
    Column("token", Uuid),
    Column("attempts", Integer, nullable=False),
    Column("text", Text),
    Column("parts", AsJSON[tuple[GroupPart, ...]](tuple[GroupPart, ...]), nullable=False),
    Column("error", Text),
    Column("settled_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("channel_id", "channels"),
    belongs_to("chat_id", "chats"),
    belongs_to("contact_id", "contacts"),
    belongs_to("session_id", "sessions"),
    # At most one group of a chat is still written into, and at most one is worked on.
    Index(
        "uq_message_groups_open",
        "tenant_id",
        "chat_id",
        "status",
        unique=True,
        postgresql_where=text("status IN ('PENDING', 'PROCESSING')"),
    ),
    Index("ix_message_groups_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_message_groups_opened", "tenant_id", "project_id", "opened_at", "id"),
    Index("ix_message_groups_chat", "tenant_id", "chat_id", "opened_at", "id"),
    # Sessions that are joined go; their references are looked up here.
    Index("ix_message_groups_session", "tenant_id", "session_id"),
)

# OFFSET 0 keeps the planner from reading all groups once instead of asking the index for each row.
_BEHIND = """
{0}.status = 'PENDING' AND EXISTS (
  SELECT FROM message_groups e
  WHERE e.tenant_id = {0}.tenant_id AND e.chat_id = {0}.chat_id AND e.status = 'PROCESSING' OFFSET 0)
"""

GROUPS_DUE = DueQueue(
    name="message_groups", table="message_groups", column="due_at", ready=f"NOT ({_BEHIND.format('d')})"
)
"""When groups are due. One behind an earlier group of its chat is not ready; the end of the earlier one wakes it."""

message_group_collection = Collection(
    entity=MessageGroup,
    table=message_groups,
    default_order=(Term("OPENED_AT", descending=True),),
    sort_keys={"OPENED_AT": SortKey(message_groups.c.opened_at)},
    fields={
        "id": Filterable(message_groups.c.id, "MessageGroupId"),
        "status": Filterable(message_groups.c.status),
        "cancel_reason": Filterable(message_groups.c.cancel_reason),
        "chat_id": Filterable(message_groups.c.chat_id, "ChatId"),
        "contact_id": Filterable(message_groups.c.contact_id, "ContactId"),
        "channel_id": Filterable(message_groups.c.channel_id, "ChannelId"),
        "session_id": Filterable(message_groups.c.session_id, "SessionId"),
        "opened_at": Filterable(message_groups.c.opened_at),
    },
)

CHAT_GROUPS = Branch("Chat.messageGroups", message_group_collection, message_groups.c.chat_id)


class MessageGroups(Repository[MessageGroup]):
    """The bursts of a tenant."""

    aggregate = MessageGroup
    table = message_groups

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[MessageGroup]:
        """Return a page of a project's groups."""
        return await message_group_collection.page(
            self.session, message_groups.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many groups of a project there are, up to the limit of counting."""
        return await message_group_collection.count(
            self.session, message_groups.c.project_id == project_id, listing
        )

    async def lock_if_there(self, id_: MessageGroupId) -> MessageGroup | None:
        """Return a group locked, or None if it is gone."""
        found = await self.session.scalars(
            select(MessageGroup)
            .where(message_groups.c.id == id_)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return found.one_or_none()

    async def pending_in(self, chat_id: ChatId) -> MessageGroup | None:
        """Return the group of a chat that is written into, not locked."""
        found = await self.session.scalars(
            select(MessageGroup).where(
                message_groups.c.chat_id == chat_id, message_groups.c.status == GroupStatus.PENDING
            )
        )
        return found.one_or_none()

    async def open_in(self, chat_id: ChatId) -> list[MessageGroup]:
        """Return, locked, the groups of a chat that are written into or worked on."""
        found = await self.session.scalars(
            select(MessageGroup)
            .where(
                message_groups.c.chat_id == chat_id,
                message_groups.c.status.in_([GroupStatus.PENDING, GroupStatus.PROCESSING]),
            )
            .order_by(message_groups.c.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return list(found)


async def load_open(connection: Connection, chat_ids: Sequence[ChatId]) -> list[MessageGroup]:
    """Return, locked, the groups of some chats that are written into or worked on."""
    return await bulk.fetch(
        connection,
        MessageGroup,
        message_groups,
        "chat_id = ANY($1::uuid[]) AND status IN ('PENDING', 'PROCESSING') ORDER BY id FOR NO KEY UPDATE",
        list(chat_ids),
    )


async def claim(
    connection: Connection, ids: Sequence[MessageGroupId], *, now: datetime, cause: Cause
) -> list[MessageGroup]:
    """Close groups whose time has come and take over those nobody came back with; return both, ready to hand out.

    Groups that others hold, or that are behind an earlier one of their chat, are left out.
    """
    found = await bulk.fetch(
        connection,
        MessageGroup,
        message_groups,
        f"id = ANY($1::uuid[]) AND due_at <= $2 AND NOT ({_BEHIND.format('message_groups')}) "
        "FOR NO KEY UPDATE SKIP LOCKED",
        list(ids),
        now,
    )
    for group in found:
        if group.is_pending:
            group.begin(at=now)
        else:
            group.hand_out(at=now)
    await bulk.update_aggregates(connection, message_groups, found)
    await bulk.insert(connection, outbox, outbox_rows(found, cause))
    return found


async def unanswered_channels(connection: Connection, ids: Iterable[ChannelId]) -> set[ChannelId]:
    """Return those of the channels on which no agent answers."""
    rows = await connection.fetch(
        "SELECT id FROM channels WHERE id = ANY($1::uuid[]) AND agent_id IS NULL", list(set(ids))
    )
    return {row["id"] for row in rows}


async def take_unanswered(
    connection: Connection, ids: Sequence[MessageGroupId]
) -> tuple[list[MessageGroup], list[MessageGroupId]]:
    """Return, locked, those of the groups being worked on that no agent answers; and which others there are.

    Groups that somebody else has locked are in neither.
    """
    found = await bulk.fetch(
        connection,
        MessageGroup,
        message_groups,
        "id = ANY($1::uuid[]) AND status = 'PROCESSING' ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
        list(ids),
    )
    quiet = await unanswered_channels(connection, (group.channel_id for group in found))
    return (
        [group for group in found if group.channel_id in quiet],
        [group.id for group in found if group.channel_id not in quiet],
    )


async def pending_alarms(connection: Connection, chat_ids: Sequence[ChatId]) -> list[Alarm]:
    """Return when the next groups of chats are due, which may have waited for the one before."""
    rows = await connection.fetch(
        "SELECT tenant_id, id, expires_at FROM message_groups WHERE chat_id = ANY($1::uuid[]) AND status = 'PENDING'",
        list(chat_ids),
    )
    return [Alarm(GROUPS_DUE.name, row["tenant_id"], row["id"], row["expires_at"]) for row in rows]
