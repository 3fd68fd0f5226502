"""What was said in a chat, as an agent is to remember it."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.crm.message import Message, MessageStatus
from domain.crm.message_group import GroupStatus
from domain.ids import ChatId, ContactId, MessageId, ProjectId, SessionId
from persistence.crm.message_groups import message_groups
from persistence.crm.messages import messages
from persistence.filters import contains

_NEVER_SAID = (MessageStatus.FAILED, MessageStatus.CANCELLED)


async def recent_messages(
    session: AsyncSession, chat_id: ChatId, *, besides: Sequence[MessageId], limit: int
) -> list[Message]:
    """Return the last messages of a chat, oldest first: without a burst, and without one that is still written."""
    unread = (
        select(message_groups.c.id)
        .where(message_groups.c.chat_id == chat_id, message_groups.c.status == GroupStatus.PENDING)
        .scalar_subquery()
    )
    rows = await session.scalars(
        select(Message)
        .where(
            messages.c.chat_id == chat_id,
            messages.c.id.not_in(besides),
            messages.c.revoked_at.is_(None),
            messages.c.status.not_in(_NEVER_SAID),
            or_(messages.c.group_id.is_(None), messages.c.group_id.is_distinct_from(unread)),
        )
        .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        .limit(limit)
    )
    return list(rows)[::-1]


async def messages_of_session(session: AsyncSession, session_id: SessionId, *, limit: int) -> list[Message]:
    """Return the last messages of a session, oldest first."""
    rows = await session.scalars(
        select(Message)
        .where(
            messages.c.session_id == session_id,
            messages.c.revoked_at.is_(None),
            messages.c.status.not_in(_NEVER_SAID),
        )
        .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        .limit(limit)
    )
    return list(rows)[::-1]


async def search(
    session: AsyncSession, project_id: ProjectId, contact_id: ContactId, query: str, *, limit: int
) -> list[Message]:
    """Return messages exchanged with one contact that hold the words, the latest first."""
    rows = await session.scalars(
        select(Message)
        .where(
            and_(messages.c.project_id == project_id, messages.c.contact_id == contact_id),
            messages.c.revoked_at.is_(None),
            contains(messages.c.text, query),
        )
        .order_by(messages.c.sent_at.desc(), messages.c.id.desc())
        .limit(limit)
    )
    return list(rows)
