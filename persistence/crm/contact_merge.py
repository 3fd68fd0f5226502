"""Joining two contacts that turned out to be one person, with everything that hangs on them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from domain.base import Aggregate
from domain.crm.chat import Chat
from domain.crm.contact import Contact
from domain.crm.message import Message
from domain.crm.message_group import GroupStatus, MessageGroup
from domain.crm.session import Session, SessionEndReason
from domain.errors import Conflict
from domain.ids import ChannelId, ContactId, MessageGroupId, MessageId
from persistence import bulk
from persistence.bulk import Connection
from persistence.crm import enrichments
from persistence.crm.chats import chats
from persistence.crm.contacts import contacts
from persistence.crm.message_groups import load_open, message_groups
from persistence.crm.messages import messages
from persistence.crm.sessions import sessions
from persistence.events import Cause, outbox_rows
from persistence.messaging import media
from persistence.messaging.events import outbox


async def merge_contacts(
    connection: Connection, ids: frozenset[ContactId], *, now: datetime, cause: Cause
) -> ContactId:
    """Join contacts into the oldest of them and return its id; their chats on one channel become one chat.

    Raises `Conflict` if one of them was merged meanwhile.
    """
    people = await bulk.fetch(
        connection,
        Contact,
        contacts,
        "id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        list(ids),
    )
    if any(one.merged_into_id is not None for one in people):
        raise Conflict("A contact was merged into another meanwhile; the batch starts over.")
    keeper, *others = sorted(people, key=lambda one: (one.created_at, one.id))
    for other in others:
        await _merge(connection, keeper, other, now=now, cause=cause)
    return keeper.id


async def _merge(
    connection: Connection, keeper: Contact, other: Contact, *, now: datetime, cause: Cause
) -> None:
    keeper.absorb(other, at=now)
    changed: list[Aggregate] = [keeper]
    await connection.execute(
        "UPDATE contact_identities SET contact_id = $1 WHERE contact_id = $2", keeper.id, other.id
    )
    await connection.execute(
        "UPDATE contact_facts SET contact_id = $1 WHERE contact_id = $2", keeper.id, other.id
    )
    await connection.execute(
        "UPDATE session_summaries SET contact_id = $1 WHERE contact_id = $2", keeper.id, other.id
    )
    await connection.execute("UPDATE ai_runs SET contact_id = $1 WHERE contact_id = $2", keeper.id, other.id)
    await _merge_memberships(connection, keeper.id, other.id)
    changed += await _merge_authorship(connection, keeper.id, other.id, now=now)
    changed += await _merge_chats(connection, keeper.id, other.id, now=now)
    await connection.execute(
        "UPDATE message_groups SET contact_id = $1 WHERE contact_id = $2", keeper.id, other.id
    )
    changed += await _merge_sessions(connection, keeper.id, other.id, now=now)
    await bulk.update_aggregates(connection, contacts, [other])
    await bulk.update_aggregates(connection, contacts, [keeper])
    await bulk.insert(connection, outbox, outbox_rows(changed, cause))


async def _merge_memberships(connection: Connection, keeper: ContactId, other: ContactId) -> None:
    await connection.execute(
        """
        DELETE FROM chat_participants p WHERE p.contact_id = $2 AND p.left_at IS NULL AND EXISTS (
          SELECT FROM chat_participants k
          WHERE k.chat_id = p.chat_id AND k.contact_id = $1 AND k.left_at IS NULL)
        """,
        keeper,
        other,
    )
    await connection.execute(
        "UPDATE chat_participants SET contact_id = $1 WHERE contact_id = $2", keeper, other
    )


async def _merge_authorship(
    connection: Connection, keeper: ContactId, other: ContactId, *, now: datetime
) -> list[Aggregate]:
    """Give the other's messages in groups, and reactions anywhere, to the keeper; twins become one message."""
    found = await bulk.fetch(
        connection,
        Message,
        messages,
        """
        id IN (
          SELECT m.id FROM messages m JOIN chats c ON c.id = m.chat_id
          WHERE m.contact_id = $1 AND c.contact_id IS NULL
          UNION SELECT k.id FROM messages m JOIN messages k
            ON k.chat_id = m.chat_id AND k.external_id = m.external_id AND k.direction = m.direction
          WHERE m.contact_id = $1 AND k.contact_id = $2
          UNION SELECT m.id FROM messages m JOIN chat_participants p ON p.chat_id = m.chat_id AND p.contact_id = $2
          WHERE m.reactions @> jsonb_build_array(jsonb_build_object('contact_id', $1::text))
          UNION SELECT m.id FROM messages m JOIN chats c ON c.id = m.chat_id AND c.contact_id IN ($1, $2)
          WHERE m.reactions @> jsonb_build_array(jsonb_build_object('contact_id', $1::text)))
        ORDER BY id FOR NO KEY UPDATE
        """,
        other,
        keeper,
    )
    ours = {(one.chat_id, one.external_id, one.direction): one for one in found if one.contact_id == keeper}
    gone: dict[MessageId, MessageId] = {}
    twins: list[tuple[Message, Message]] = []
    for message in found:
        message.rename_reactor(other, keeper, at=now)
        if message.contact_id != other:
            continue
        twin = ours.get((message.chat_id, message.external_id, message.direction))
        if twin is None:
            message.move(chat_id=message.chat_id, contact_id=keeper, session_id=message.session_id, at=now)
        else:
            twin.rename_reactor(other, keeper, at=now)
            twin.absorb(message, at=now)
            gone[message.id] = twin.id
            twins.append((message, twin))
    await media.follow(connection, gone.items())
    await enrichments.follow(connection, gone.items())
    groups = await _replace_twins(connection, twins, now=now)
    await bulk.delete(connection, messages, gone)
    kept: list[Aggregate] = [one for one in found if one.id not in gone]
    await bulk.update_aggregates(connection, messages, [one for one in kept if one.is_changed])
    return [*kept, *groups]


async def _merge_chats(
    connection: Connection, keeper: ContactId, other: ContactId, *, now: datetime
) -> list[Aggregate]:
    """Make the two persons' chats on each channel one."""
    found = await bulk.fetch(
        connection,
        Chat,
        chats,
        "contact_id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        [keeper, other],
    )
    kept = {chat.channel_id: chat for chat in found if chat.contact_id == keeper}
    changed: list[Aggregate] = []
    for chat in (one for one in found if one.contact_id == other):
        target = kept.get(chat.channel_id)
        if target is None:
            chat.contact_id = keeper
            chat.touch(now)
            changed += await _move_messages(connection, chat, chat, keeper, now=now)
            await bulk.update_aggregates(connection, chats, [chat])
            continue
        target.absorb(chat, at=now)
        changed += await _move_messages(connection, chat, target, keeper, now=now)
        changed += await _merge_groups(connection, chat, target, now=now)
        await connection.execute("UPDATE sessions SET chat_id = $1 WHERE chat_id = $2", target.id, chat.id)
        await connection.execute("UPDATE outgoing SET chat_id = $1 WHERE chat_id = $2", target.id, chat.id)
        # Whoever is about to send one into the chat that goes finds out by its version.
        await connection.execute(
            "UPDATE scheduled_messages SET chat_id = $1, version = version + 1 WHERE chat_id = $2",
            target.id,
            chat.id,
        )
        await bulk.delete(connection, chats, [chat.id])
        if target.external_id.endswith("@lid") and not chat.external_id.endswith("@lid"):
            target.readdress(chat.external_id, at=now)
        await bulk.update_aggregates(connection, chats, [target])
        changed.append(target)
    return changed


async def _merge_groups(
    connection: Connection, source: Chat, target: Chat, *, now: datetime
) -> list[Aggregate]:
    """Give a chat's bursts to another; of two that are written into, and of two that are worked on, one stays."""
    found = await load_open(connection, [source.id, target.id])
    ours = {one.status: one for one in found if one.chat_id == target.id}
    theirs = {one.status: one for one in found if one.chat_id == source.id}
    # The one of the chat that stays goes on first; its text need not hold what was written to the other.
    pending, other = ours.get(GroupStatus.PENDING), theirs.get(GroupStatus.PENDING)
    surplus = theirs.get(GroupStatus.PROCESSING) if GroupStatus.PROCESSING in ours else None
    if surplus is not None:
        surplus.give_back(at=now)
    keepers = [one for one in (pending, other, surplus) if one is not None]
    for gone in keepers[1:]:
        keepers[0].absorb(gone, at=now)
        await connection.execute(
            "UPDATE messages SET group_id = $1 WHERE group_id = $2", keepers[0].id, gone.id
        )
    changed = [one for one in found if one.is_changed]
    await bulk.update_aggregates(connection, message_groups, [one for one in changed if one.is_settled])
    await bulk.update_aggregates(connection, message_groups, [one for one in changed if not one.is_settled])
    await connection.execute(
        "UPDATE message_groups SET chat_id = $1 WHERE chat_id = $2", target.id, source.id
    )
    for group in found:
        group.chat_id = target.id
    return list(changed)


async def _move_messages(
    connection: Connection, source: Chat, target: Chat, keeper: ContactId, *, now: datetime
) -> list[Aggregate]:
    """Move a chat's messages; one that the target holds already, under the other address form, becomes one.

    Of two, the one stays that was written here, because a worker may be sending it: its twin is but the echo.
    """
    twins = await connection.fetch(
        """
        SELECT a.id AS moved, b.id AS there,
          a.agent_id IS NOT NULL OR a.client_message_id IS NOT NULL
            OR EXISTS (SELECT FROM outgoing o WHERE o.id = a.id) AS is_ours
        FROM messages a JOIN messages b
          ON b.chat_id = $2 AND b.external_id = a.external_id AND b.direction = a.direction
        WHERE a.chat_id = $1 AND a.chat_id <> b.chat_id
        """,
        source.id,
        target.id,
    )
    pairs = [
        (row["there"], row["moved"]) if row["is_ours"] else (row["moved"], row["there"]) for row in twins
    ]
    held = {
        one.id: one
        for one in await bulk.fetch(
            connection,
            Message,
            messages,
            "id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
            [id_ for pair in pairs for id_ in pair],
        )
    }
    for gone, kept in pairs:
        held[kept].move(chat_id=target.id, contact_id=keeper, session_id=held[kept].session_id, at=now)
        held[kept].absorb(held[gone], at=now)
    await media.follow(connection, pairs)
    await enrichments.follow(connection, pairs)
    groups = await _replace_twins(connection, [(held[gone], held[kept]) for gone, kept in pairs], now=now)
    await bulk.delete(connection, messages, [gone for gone, _ in pairs])
    changed: list[Aggregate] = [held[kept] for _, kept in pairs]
    await bulk.update_aggregates(connection, messages, changed)
    await connection.execute(
        "UPDATE messages SET chat_id = $1, contact_id = $2 WHERE chat_id = $3", target.id, keeper, source.id
    )
    return [*changed, *groups]


async def _replace_twins(
    connection: Connection, twins: Sequence[tuple[Message, Message]], *, now: datetime
) -> list[Aggregate]:
    """Let bursts follow messages that go to those that stay, as pairs of (gone, kept); a message is in one burst."""
    replaced: dict[MessageGroupId, dict[MessageId, MessageId | None]] = defaultdict(dict)
    for gone, kept in twins:
        if gone.group_id is None:
            continue
        is_nowhere = kept.group_id is None
        kept.group_id = kept.group_id or gone.group_id
        replaced[gone.group_id][gone.id] = kept.id if is_nowhere else None
    if not replaced:
        return []
    found = await bulk.fetch(
        connection,
        MessageGroup,
        message_groups,
        "id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        list(replaced),
    )
    for group in found:
        group.replace_twins(replaced[group.id], at=now)
    changed: list[Aggregate] = [one for one in found if one.is_changed]
    await bulk.update_aggregates(connection, message_groups, changed)
    return changed


async def _merge_sessions(
    connection: Connection, keeper: ContactId, other: ContactId, *, now: datetime
) -> list[Aggregate]:
    """Give the other's sessions to the keeper, joining those that silence does not separate any more."""
    found = await bulk.fetch(
        connection,
        Session,
        sessions,
        "contact_id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        [keeper, other],
    )
    touched = {one.channel_id for one in found if one.contact_id == other}
    groups: dict[ChannelId, list[Session]] = defaultdict(list)
    for session in found:
        if session.channel_id in touched:
            if session.contact_id == other:
                session.contact_id = keeper
                session.touch(now)
            groups[session.channel_id].append(session)
    changed: list[Aggregate] = []
    for group in groups.values():
        kept = _joined(group, now=now)
        gone = [one for one in group if one.merged_into_id is not None]
        await connection.execute(
            "UPDATE message_groups g SET session_id = u.kept FROM unnest($1::uuid[], $2::uuid[]) AS u (gone, kept) "
            "WHERE g.session_id = u.gone",
            [one.id for one in gone],
            [one.merged_into_id for one in gone],
        )
        await connection.execute(
            "UPDATE messages m SET session_id = u.kept FROM unnest($1::uuid[], $2::uuid[]) AS u (gone, kept) "
            "WHERE m.session_id = u.gone",
            [one.id for one in gone],
            [one.merged_into_id for one in gone],
        )
        await bulk.delete(connection, sessions, [one.id for one in gone])
        for is_active in (False, True):
            await bulk.update_aggregates(
                connection, sessions, [one for one in kept if one.is_changed and one.is_active is is_active]
            )
        # Twins were counted in both chats.
        await connection.execute(
            """
            UPDATE sessions s SET message_count = c.all_of_them, contact_message_count = c.inbound
            FROM (SELECT session_id, count(*) AS all_of_them, count(*) FILTER (WHERE direction = 'INBOUND') AS inbound
                  FROM messages WHERE session_id = ANY($1::uuid[]) GROUP BY 1) c
            WHERE s.id = c.session_id
            """,
            [one.id for one in kept],
        )
        changed += group
    return changed


def _joined(group: list[Session], *, now: datetime) -> list[Session]:
    """Return the sessions that remain of one contact and channel: the runs that silence separates."""
    kept: list[Session] = []
    for session in sorted(group, key=lambda one: one.started_at):
        previous = kept[-1] if kept else None
        if previous is None or not previous.covers(session.started_at) or not _joinable(previous, session):
            kept.append(session)
        elif session.is_active:
            session.absorb(previous, at=now)
            _redirect(group, previous, session)
            kept[-1] = session
        else:
            previous.absorb(session, at=now)
    active = [one for one in kept if one.is_active]
    for older in active[:-1]:
        older.end(SessionEndReason.INACTIVITY_TIMEOUT, at=now)
    return kept


def _joinable(first: Session, second: Session) -> bool:
    return all(one.is_active or one.ended_by_silence for one in (first, second))


def _redirect(group: list[Session], gone: Session, kept: Session) -> None:
    for session in group:
        if session.merged_into_id == gone.id:
            session.merged_into_id = kept.id
