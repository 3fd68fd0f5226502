"""The part of a tenant's data that a batch of inbound events touches: loaded, changed and stored as sets."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.base import Aggregate
from domain.crm.channel import Channel
from domain.crm.chat import Chat, ChatParticipant
from domain.crm.contact import Contact, ContactIdentity, IdentityKind, identities_of
from domain.crm.enrichment import Enrichment
from domain.crm.enrichment_routing import NOTHING, Abilities
from domain.crm.message import Message
from domain.crm.message_group import MessageGroup
from domain.crm.session import LONGEST_TIMEOUT_SECONDS, Session
from domain.errors import Conflict
from domain.ids import ChannelId, ChatId, ContactId, MessageId, ProjectId, SessionId
from domain.values import WhatsAppAddress
from persistence import bulk
from persistence.bulk import Connection
from persistence.crm.channels import channels
from persistence.crm.chats import chat_participants, chats
from persistence.crm.contacts import LOCK_CLASS, IdentityKey, contact_identities, contacts, lock_names
from persistence.crm.enrichments import enrichments
from persistence.crm.message_groups import load_open, message_groups
from persistence.crm.messages import messages
from persistence.crm.sessions import sessions
from persistence.due import TIMED, Alarm, alarms_of
from persistence.events import Cause, outbox_rows
from persistence.messaging import media
from persistence.messaging.events import outbox
from persistence.messaging.media import WantedFile

SessionKey = tuple[ChannelId, ContactId]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The session timeouts above a channel's own, in seconds."""

    pipeline: int | None
    project: int | None


@dataclass(kw_only=True)
class Conversations:
    """Aggregates of one tenant, held under row locks for one transaction.

    New ones are added with the `add_…` methods; `save` writes everything that is new or changed, then its events.
    """

    connection: Connection
    now: datetime
    abilities: Abilities = NOTHING
    channels: dict[ChannelId, Channel] = field(default_factory=dict)
    timeouts: dict[ChannelId, Timeouts] = field(default_factory=dict)
    identities: dict[IdentityKey, ContactId] = field(default_factory=dict)
    contacts: dict[ContactId, Contact] = field(default_factory=dict)
    chats: dict[ChatId, Chat] = field(default_factory=dict)
    chat_of_contact: dict[SessionKey, Chat] = field(default_factory=dict)
    chat_of_address: dict[tuple[ChannelId, str], Chat] = field(default_factory=dict)
    sessions: dict[SessionKey, list[Session]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[tuple[ChannelId, str], list[Message]] = field(default_factory=lambda: defaultdict(list))
    unmatched: dict[ChatId, list[Message]] = field(default_factory=lambda: defaultdict(list))
    participants: set[tuple[ChatId, ContactId]] = field(default_factory=set)
    groups: dict[ChatId, list[MessageGroup]] = field(default_factory=lambda: defaultdict(list))
    settled: set[MessageId] = field(default_factory=set)
    files: list[WantedFile] = field(default_factory=list)
    enrichments: list[Enrichment] = field(default_factory=list)
    _new: list[Aggregate] = field(default_factory=list)
    _new_identities: list[ContactIdentity] = field(default_factory=list)
    _new_participants: list[ChatParticipant] = field(default_factory=list)

    # -- Loading, in this order; each step needs the ones before.

    async def load_channels(self, ids: Iterable[ChannelId]) -> None:
        """Load channels with the timeouts above them. They are not locked: lanes share a channel."""
        wanted = list(set(ids) - self.channels.keys())
        if not wanted:
            return
        for channel in await bulk.fetch(self.connection, Channel, channels, "id = ANY($1::uuid[])", wanted):
            self.channels[channel.id] = channel
        rows = await self.connection.fetch(
            """
            SELECT c.id, l.session_timeout_seconds AS pipeline, p.session_timeout_seconds AS project
            FROM channels c JOIN projects p ON p.tenant_id = c.tenant_id AND p.id = c.project_id
            LEFT JOIN pipelines l ON l.tenant_id = c.tenant_id AND l.id = c.pipeline_id
            WHERE c.id = ANY($1::uuid[])
            """,
            wanted,
        )
        self.timeouts |= {row["id"]: Timeouts(row["pipeline"], row["project"]) for row in rows}

    async def load_identities(self, wanted: Iterable[tuple[ProjectId, WhatsAppAddress]]) -> None:
        """Find the contacts that addresses name; addresses unknown so far are locked until the commit."""
        spellings = [identity_keys(project, address) for project, address in set(wanted)]
        if not spellings:
            return
        await self._find_identities([key for group in spellings for key in group])
        # Somebody known in one spelling is found by all of them and needs no lock.
        unknown = {key for group in spellings if self.identities.keys().isdisjoint(group) for key in group}
        if unknown:
            await self.connection.execute(
                "SELECT pg_advisory_xact_lock($1, hashtext(name)) FROM unnest($2::text[]) AS name",
                LOCK_CLASS,
                lock_names(unknown),
            )
            await self._find_identities(list(unknown))

    async def load_contacts(self, ids: Iterable[ContactId]) -> None:
        """Load and lock contacts. Raises `Conflict` if one was merged away meanwhile."""
        found = await bulk.fetch(
            self.connection,
            Contact,
            contacts,
            "id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
            list(set(ids)),
        )
        if any(contact.merged_into_id is not None for contact in found):
            raise Conflict("A contact was merged into another meanwhile; the batch starts over.")
        self.contacts |= {contact.id: contact for contact in found}

    async def load_chats(
        self, addresses: Iterable[tuple[ChannelId, str]], people: Iterable[SessionKey]
    ) -> None:
        """Load and lock chats by their address or by the person they are with, and who takes part in them."""
        by_address, by_person = list(set(addresses)), list(set(people))
        found = await bulk.fetch(
            self.connection,
            Chat,
            chats,
            """
            id IN (
              SELECT c.id FROM unnest($1::uuid[], $2::text[]) AS u (channel, address)
              JOIN chats c ON c.channel_id = u.channel AND c.external_id = u.address
              UNION SELECT c.id FROM unnest($3::uuid[], $4::uuid[]) AS u (channel, contact)
              JOIN chats c ON c.channel_id = u.channel AND c.contact_id = u.contact)
            ORDER BY id FOR NO KEY UPDATE
            """,
            [channel for channel, _ in by_address],
            [address for _, address in by_address],
            [channel for channel, _ in by_person],
            [contact for _, contact in by_person],
        )
        for chat in found:
            self._index_chat(chat)
        groups = [chat.id for chat in found if chat.contact_id is None]
        if groups:
            rows = await self.connection.fetch(
                "SELECT chat_id, contact_id FROM chat_participants WHERE chat_id = ANY($1::uuid[]) AND left_at IS NULL",
                groups,
            )
            self.participants |= {(row["chat_id"], row["contact_id"]) for row in rows}

    async def load_sessions(self, spans: dict[SessionKey, tuple[datetime, datetime]]) -> None:
        """Load and lock the sessions that messages of those times may belong to, and the active ones."""
        if not spans:
            return
        reach = timedelta(seconds=LONGEST_TIMEOUT_SECONDS)
        found = await bulk.fetch(
            self.connection,
            Session,
            sessions,
            """
            id IN (
              SELECT s.id FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[])
                AS u (channel, contact, since, until)
              JOIN sessions s ON s.channel_id = u.channel AND s.contact_id = u.contact
                AND (s.status = 'ACTIVE' OR (s.started_at <= u.until AND s.last_activity_at >= u.since)))
            ORDER BY id FOR NO KEY UPDATE
            """,
            [channel for channel, _ in spans],
            [contact for _, contact in spans],
            [since - reach for since, _ in spans.values()],
            [until + reach for _, until in spans.values()],
        )
        for session in found:
            self.sessions[session.channel_id, session.contact_id].append(session)

    async def load_messages(
        self, keys: Iterable[tuple[ChannelId, str]], *, echoes_in: Iterable[ChatId]
    ) -> None:
        """Load and lock messages by WhatsApp id, and in some chats our own that have no WhatsApp id yet."""
        wanted = list(set(keys))
        found = await bulk.fetch(
            self.connection,
            Message,
            messages,
            """
            id IN (
              SELECT m.id FROM unnest($1::uuid[], $2::text[]) AS u (channel, external)
              JOIN messages m ON m.channel_id = u.channel AND m.external_id = u.external
              UNION SELECT m.id FROM outgoing o JOIN messages m ON m.tenant_id = o.tenant_id AND m.id = o.id
              WHERE o.chat_id = ANY($3::uuid[]) AND m.external_id IS NULL)
            ORDER BY id FOR NO KEY UPDATE
            """,
            [channel for channel, _ in wanted],
            [external for _, external in wanted],
            list(set(echoes_in)),
        )
        for message in found:
            if message.external_id is None:
                self.unmatched[message.chat_id].append(message)
            else:
                self.messages[message.channel_id, message.external_id].append(message)

    async def load_groups(self, ids: Iterable[ChatId]) -> None:
        """Load and lock the bursts that are written into or worked on in some chats."""
        if wanted := list(set(ids)):
            for group in await load_open(self.connection, wanted):
                self.groups[group.chat_id].append(group)

    # -- Changing.

    @property
    def alarms(self) -> list[Alarm]:
        """When the bursts that changed are due, and those that waited for one that was settled."""
        changed = [group for groups in self.groups.values() for group in groups if group.is_changed]
        freed = [
            Alarm(TIMED[group.kind], group.tenant_id, group.id, group.expires_at)
            for chat_id in {group.chat_id for group in changed if group.is_settled}
            for group in self.groups[chat_id]
            if group.is_pending and not group.is_changed
        ]
        return [*alarms_of(changed), *freed]

    def contact_of(self, project: ProjectId, address: WhatsAppAddress) -> Contact | None:
        """Return the contact an address names, in any spelling of a phone number."""
        for key in identity_keys(project, address):
            if (contact_id := self.identities.get(key)) is not None:
                return self.contacts.get(contact_id)
        return None

    def add_contact(self, contact: Contact) -> None:
        """File a new contact."""
        self.contacts[contact.id] = contact
        self._new.append(contact)

    def add_identity(self, identity: ContactIdentity) -> None:
        """Tie an address to its contact."""
        self.identities[identity.project_id, identity.kind, identity.value] = identity.contact_id
        self._new_identities.append(identity)

    def add_chat(self, chat: Chat) -> None:
        """File a new chat."""
        self._index_chat(chat)
        self._new.append(chat)

    def add_participant(self, participant: ChatParticipant) -> None:
        """Note that somebody takes part in a chat."""
        self.participants.add((participant.chat_id, participant.contact_id))
        self._new_participants.append(participant)

    def add_session(self, session: Session) -> None:
        """File a new session; whoever made it puts it into its group."""
        self._new.append(session)

    def add_message(self, message: Message) -> None:
        """File a new message."""
        self.index_message(message)
        self._new.append(message)

    def add_group(self, group: MessageGroup) -> None:
        """File a new burst."""
        self.groups[group.chat_id].append(group)
        self._new.append(group)

    def index_message(self, message: Message) -> None:
        """Make a message findable by the WhatsApp id it has."""
        if message.external_id is not None:
            self.messages[message.channel_id, message.external_id].append(message)

    # -- Storing.

    async def save(self, cause: Cause) -> set[str]:
        """Write what is new or changed, then the events; return whom to wake after the commit."""
        loaded_sessions = [session for group in self.sessions.values() for session in group]
        gone = {session.id: session for session in loaded_sessions if session.merged_into_id is not None}
        new_sessions = [one for one in self._new_of(Session) if one.id not in gone]
        await bulk.insert_aggregates(self.connection, contacts, self._new_of(Contact))
        await bulk.update_aggregates(self.connection, contacts, self._changed(self.contacts.values()))
        await bulk.insert_aggregates(self.connection, contact_identities, self._new_identities)
        await bulk.insert_aggregates(self.connection, chats, self._new_of(Chat))
        await bulk.update_aggregates(self.connection, chats, self._changed(self.chats.values()))
        await bulk.insert_aggregates(self.connection, chat_participants, self._new_participants)
        if gone:
            await self._follow_joined_sessions(gone)
        # Ends are written before starts, because only one session per contact and channel may be active.
        kept = [one for one in loaded_sessions if one.id not in gone]
        for is_active in (False, True):
            await bulk.update_aggregates(
                self.connection, sessions, self._changed(one for one in kept if one.is_active is is_active)
            )
        await bulk.insert_aggregates(self.connection, sessions, new_sessions)
        bursts = [group for groups in self.groups.values() for group in groups]
        # What is over makes room for what begins: a chat has one burst at a time that is written into.
        await bulk.update_aggregates(self.connection, message_groups, self._changed(bursts))
        await bulk.insert_aggregates(self.connection, message_groups, self._new_of(MessageGroup))
        held = [message for group in (*self.messages.values(), *self.unmatched.values()) for message in group]
        await bulk.insert_aggregates(self.connection, messages, self._new_of(Message))
        await bulk.update_aggregates(
            self.connection, messages, self._changed({message.id: message for message in held}.values())
        )
        if self.settled:
            await self.connection.execute(
                "DELETE FROM outgoing WHERE id = ANY($1::uuid[])", list(self.settled)
            )
        wakes = set()
        if self.files and await media.want(self.connection, self.files, at=self.now):
            wakes.add("media")
        await bulk.insert_aggregates(self.connection, enrichments, self.enrichments)
        await bulk.update_aggregates(self.connection, channels, self._changed(self.channels.values()))
        everything = [
            *self.contacts.values(),
            *self.chats.values(),
            *loaded_sessions,
            *{message.id: message for message in held}.values(),
            *self.enrichments,
            *bursts,
            *self.channels.values(),
        ]
        rows = outbox_rows(everything, cause)
        if await bulk.insert(self.connection, outbox, rows):
            wakes.add("outbox")
        return wakes

    def _new_of(self, kind: type[Aggregate]) -> list[Aggregate]:
        return [aggregate for aggregate in self._new if isinstance(aggregate, kind)]

    def _changed(self, aggregates: Iterable[Aggregate]) -> list[Aggregate]:
        new = {id(aggregate) for aggregate in self._new}
        return [one for one in aggregates if one.is_changed and id(one) not in new]

    def _index_chat(self, chat: Chat) -> None:
        self.chats[chat.id] = chat
        self.chat_of_address[chat.channel_id, chat.external_id] = chat
        if chat.contact_id is not None:
            self.chat_of_contact[chat.channel_id, chat.contact_id] = chat

    async def _find_identities(self, keys: list[IdentityKey]) -> None:
        rows = await self.connection.fetch(
            """
            SELECT i.project_id, i.kind, i.value, i.contact_id
            FROM unnest($1::uuid[], $2::text[], $3::text[]) AS u (project, kind, value)
            JOIN contact_identities i ON i.project_id = u.project AND i.kind = u.kind AND i.value = u.value
            """,
            [project for project, _, _ in keys],
            [kind.value for _, kind, _ in keys],
            [value for _, _, value in keys],
        )
        for row in rows:
            self.identities[row["project_id"], IdentityKind(row["kind"]), row["value"]] = row["contact_id"]

    async def _follow_joined_sessions(self, gone: dict[SessionId, Session]) -> None:
        """Move the messages of joined sessions to the ones that stay, and remove the joined ones."""
        stored = [one for one in gone.values() if one not in self._new]
        final = {one.id: self._survivor(one, gone) for one in gone.values()}
        for message in (message for group in self.messages.values() for message in group):
            if message.session_id in final:
                message.session_id = final[message.session_id]
                message.touch(self.now)
        for group in (group for groups in self.groups.values() for group in groups):
            if group.session_id in final:
                group.session_id = final[group.session_id]
                group.touch(self.now)
        if stored:
            await self.connection.execute(
                """
                UPDATE messages m SET session_id = u.kept FROM unnest($1::uuid[], $2::uuid[]) AS u (joined, kept)
                WHERE m.session_id = u.joined
                """,
                [one.id for one in stored],
                [final[one.id] for one in stored],
            )
            await self.connection.execute(
                """
                UPDATE message_groups g SET session_id = u.kept FROM unnest($1::uuid[], $2::uuid[]) AS u (joined, kept)
                WHERE g.session_id = u.joined
                """,
                [one.id for one in stored],
                [final[one.id] for one in stored],
            )
            await bulk.delete(self.connection, sessions, [one.id for one in stored])

    @staticmethod
    def _survivor(session: Session, gone: dict[SessionId, Session]) -> SessionId:
        while session.merged_into_id is not None and session.merged_into_id in gone:
            session = gone[session.merged_into_id]
        return session.merged_into_id or session.id


def identity_keys(project: ProjectId, address: WhatsAppAddress) -> list[IdentityKey]:
    """Return the stored identities that would name the same person, the address itself first."""
    return [(project, kind, value) for kind, value in identities_of(address)]
