"""What follows when WhatsApp reports something: files messages, applies what is said about them, follows channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.crm.channel import Channel, Engine
from domain.crm.chat import Chat, ChatType
from domain.crm.contact import Contact, IdentitySource, NameSource
from domain.crm.inbound import (
    ChannelStateChanged,
    Fact,
    InboundEvent,
    MessageKey,
    Party,
    ReceivedAck,
    ReceivedEdit,
    ReceivedMessage,
    ReceivedReaction,
    ReceivedRevoke,
    ReceivedTyping,
)
from domain.crm.message import Message, MessageDirection, MessageOrigin, MessageStatus
from domain.crm.session import Session, file_message, resolve_timeout
from domain.ids import ChannelId, ContactId, SessionId
from domain.values import AddressKind, WhatsAppAddress
from persistence.crm.conversations import Conversations, identity_keys
from services.crm.inbound_enrichments import want_texts
from services.crm.inbound_files import want_file, with_file_id
from services.crm.inbound_groups import hear_typing, heed_reply, join_group, leave_group
from services.crm.outcome import Outcome

_CHAT_TYPES = {
    AddressKind.PHONE: ChatType.INDIVIDUAL,
    AddressKind.LID: ChatType.INDIVIDUAL,
    AddressKind.GROUP: ChatType.GROUP,
    AddressKind.NEWSLETTER: ChatType.CHANNEL,
    AddressKind.BROADCAST: ChatType.CHANNEL,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """An event of one channel; `number` tells it apart from the others of its batch."""

    number: int
    channel_id: ChannelId
    event: InboundEvent


@dataclass(frozen=True, slots=True)
class Filed:
    """What a batch did: the outcome of each report, messages that were new, and facts that wait for theirs."""

    outcomes: dict[int, Outcome]
    received: dict[ChannelId, int]
    sent: dict[ChannelId, int]
    waiting: list[tuple[ChannelId, Fact]]

    def count_sent(self, message: Message, *, was_sent: bool) -> None:
        """Count a message of ours if it became known just now that WhatsApp took it."""
        if message.is_sent and not was_sent:
            self.sent[message.channel_id] = self.sent.get(message.channel_id, 0) + 1


def file_reports(
    held: Conversations, reports: Sequence[Report], early: Sequence[tuple[ChannelId, Fact]]
) -> tuple[Filed, list[tuple[ChannelId, Fact]]]:
    """Apply reports in the order given, and what arrived early before; return also which of those are settled.

    Messages come first and facts about them after, so that the order within a batch does not matter either.
    """
    filed = Filed({}, {}, {}, [])
    for report in reports:
        if isinstance(report.event, ReceivedMessage):
            filed.outcomes[report.number] = _file_message(held, report.channel_id, report.event, filed)
        elif isinstance(report.event, ChannelStateChanged):
            _follow_channel(held, held.channels[report.channel_id], report.event)
            filed.outcomes[report.number] = Outcome.FILED
        elif isinstance(report.event, ReceivedTyping):
            filed.outcomes[report.number] = hear_typing(held, report.channel_id, report.event)
        elif not isinstance(report.event, Fact):
            filed.outcomes[report.number] = Outcome.IGNORED
    for report in reports:
        if isinstance(report.event, Fact):
            if not _takes(held.channels[report.channel_id], report.event.key.chat):
                filed.outcomes[report.number] = Outcome.PARKED
            elif _apply(held, report.channel_id, report.event, filed):
                filed.outcomes[report.number] = Outcome.FILED
            else:
                filed.outcomes[report.number] = Outcome.WAITING
                filed.waiting.append((report.channel_id, report.event))
    settled = [(channel_id, fact) for channel_id, fact in early if _apply(held, channel_id, fact, filed)]
    return filed, settled


def people_of(event: InboundEvent) -> list[Party]:
    """Return everybody whom an event names and whose contact matters, in the order they are filed."""
    if isinstance(event, ReceivedMessage | Fact):
        found = [peer_of(event.key), event.key.author]
        if isinstance(event, ReceivedReaction):
            found.append(event.reactor)
        return [party for party in found if party is not None]
    if isinstance(event, ReceivedTyping) and (peer := peer_of_chat(event.chat, event.peer)) is not None:
        return [peer]
    return []


def peer_of(key: MessageKey) -> Party | None:
    """Return the other person of an individual chat."""
    return peer_of_chat(key.chat, key.peer)


def peer_of_chat(chat: WhatsAppAddress, peer: Party | None) -> Party | None:
    """Return the other person of a chat, if it is an individual one."""
    return (peer or Party(address=chat)) if chat.is_person else None


def _takes(channel: Channel, chat: WhatsAppAddress) -> bool:
    return chat.kind is not AddressKind.GROUP or channel.allow_groups


def _file_message(
    held: Conversations, channel_id: ChannelId, event: ReceivedMessage, filed: Filed
) -> Outcome:
    channel = held.channels[channel_id]
    if not _takes(channel, event.key.chat):
        return Outcome.PARKED
    direction = MessageDirection.OUTBOUND if event.key.from_me else MessageDirection.INBOUND
    inbound = direction is MessageDirection.INBOUND
    contact = _person(
        held, channel, peer_of(event.key) or (event.key.author if inbound else None), event.sent_at
    )
    chat = _chat(held, channel, event.key.chat, contact, event.sent_at)
    contact_id = contact.id if contact is not None and (inbound or chat.contact_id is not None) else None
    if (
        known := _known(held, channel_id, chat, event, direction=direction, contact_id=contact_id)
    ) is not None:
        if not inbound:
            was_sent = known.is_sent
            known.confirm(event.key.external_id, sent_at=event.sent_at, at=held.now)
            held.settled.add(known.id)
            if event.ack is not None:
                known.acknowledge(event.ack, acked_at=event.sent_at, at=held.now)
            filed.count_sent(known, was_sent=was_sent)
            want_file(held, known, event)
        return Outcome.REPEATED
    session_id = _session(held, channel, chat, contact, event.sent_at, from_contact=inbound)
    message = Message.receive(
        tenant_id=channel.tenant_id,
        project_id=channel.project_id,
        channel_id=channel_id,
        chat_id=chat.id,
        contact_id=contact_id,
        session_id=session_id,
        direction=direction,
        origin=_origin(event),
        content=with_file_id(event.content),
        external_id=event.key.external_id,
        sent_at=event.sent_at,
        at=held.now,
        reply_to_external_id=event.reply_to_external_id,
        is_forwarded=event.is_forwarded,
        mentions=event.mentions,
    )
    if event.ack is not None and not inbound:
        message.acknowledge(event.ack, acked_at=event.sent_at, at=held.now)
    if inbound:
        join_group(held, channel, chat, message)
    else:
        heed_reply(held, channel, chat, message)
    held.add_message(message)
    want_file(held, message, event)
    want_texts(held, channel, chat, message)
    if inbound and (chat.last_message_at is None or event.sent_at >= chat.last_message_at):
        chat.wake(at=held.now)
    chat.file(event.sent_at, at=held.now)
    if contact is not None:
        contact.restore(at=held.now)
        contact.interact(event.sent_at, at=held.now)
        _welcome(held, chat, contact, event.sent_at)
    counts = filed.received if inbound else filed.sent
    counts[channel_id] = counts.get(channel_id, 0) + 1
    return Outcome.FILED


def _origin(event: ReceivedMessage) -> MessageOrigin:
    if not event.key.from_me:
        return MessageOrigin.LIVE
    return MessageOrigin.API if event.from_phone is False else MessageOrigin.PHONE


def _person(held: Conversations, channel: Channel, party: Party | None, said_at: datetime) -> Contact | None:
    """Return the contact of a party, filed if new, with every address the event gave linked to it."""
    if party is None or not party.address.is_person:
        return None
    known = [held.contact_of(channel.project_id, address) for address in party.addresses]
    contact = next((one for one in known if one is not None), None)
    if contact is None:
        shown = next((str(one.phone) for one in party.addresses if one.phone), str(party.address))
        contact = Contact.create(
            tenant_id=channel.tenant_id,
            project_id=channel.project_id,
            name=(party.push_name or "").strip()[:200] or shown,
            source=NameSource.PUSH_NAME if (party.push_name or "").strip() else NameSource.ADDRESS,
            named_at=said_at,
            at=held.now,
        )
        held.add_contact(contact)
    elif (name := (party.push_name or "").strip()[:200]) and name != contact.name:
        contact.rename(name, source=NameSource.PUSH_NAME, said_at=said_at, at=held.now)
    for address, owner in zip(party.addresses, known, strict=True):
        if owner is None and not any(
            key in held.identities for key in identity_keys(channel.project_id, address)
        ):
            held.add_identity(contact.identify(address, source=IdentitySource.MESSAGE, at=held.now))
            if contact.phone is not None and contact.name_source is NameSource.ADDRESS:
                contact.rename(
                    str(contact.phone), source=NameSource.ADDRESS, said_at=contact.name_at, at=held.now
                )
    return contact


def _chat(
    held: Conversations, channel: Channel, address: WhatsAppAddress, contact: Contact | None, at: datetime
) -> Chat:
    """Return the chat of an address, or of a person under any address; opened if new."""
    type_ = _CHAT_TYPES[address.kind]
    with_person = contact if type_ is ChatType.INDIVIDUAL else None
    if with_person is not None:
        chat = held.chat_of_contact.get((channel.id, with_person.id))
    else:
        chat = held.chat_of_address.get((channel.id, str(address)))
    if chat is None:
        chat = Chat.open(
            tenant_id=channel.tenant_id,
            project_id=channel.project_id,
            channel_id=channel.id,
            type=type_,
            external_id=str(address),
            contact_id=with_person.id if with_person else None,
            at=held.now,
        )
        held.add_chat(chat)
    if with_person is not None and with_person.phone is not None and chat.external_id.endswith("@lid"):
        # Replies to a number reach more people than replies to a LID; see docs/waha.md.
        phone = address if address.kind is AddressKind.PHONE else WhatsAppAddress.of_phone(with_person.phone)
        chat.readdress(str(phone), at=held.now)
    return chat


def _welcome(held: Conversations, chat: Chat, contact: Contact, seen_at: datetime) -> None:
    """Note that somebody takes part in a group, which they do if they write or react there."""
    if chat.contact_id is None and (chat.id, contact.id) not in held.participants:
        held.add_participant(chat.welcome(contact.id, joined_at=seen_at, at=held.now))


def _session(
    held: Conversations,
    channel: Channel,
    chat: Chat,
    contact: Contact | None,
    moment: datetime,
    *,
    from_contact: bool,
) -> SessionId | None:
    """Count a message in the session it belongs to, started if there is none; groups and channels have none."""
    if chat.contact_id is None or contact is None:
        return None
    timeouts = held.timeouts[channel.id]

    def start() -> Session:
        session = Session.start(
            tenant_id=channel.tenant_id,
            project_id=channel.project_id,
            channel_id=channel.id,
            chat_id=chat.id,
            contact_id=contact.id,
            pipeline_id=channel.pipeline_id,
            started_at=moment,
            timeout_seconds=resolve_timeout(
                channel=channel.session_timeout_seconds, pipeline=timeouts.pipeline, project=timeouts.project
            ),
            warning_seconds=channel.session_warning_seconds,
            at=held.now,
        )
        held.add_session(session)
        return session

    group = held.sessions[channel.id, contact.id]
    return file_message(group, moment, from_contact=from_contact, start=start, at=held.now).id


def _known(
    held: Conversations,
    channel_id: ChannelId,
    chat: Chat,
    event: ReceivedMessage,
    *,
    direction: MessageDirection,
    contact_id: ContactId | None,
) -> Message | None:
    """Return the message an event repeats: by its WhatsApp id, or our own one that has not learnt its id yet."""
    for message in held.messages[channel_id, event.key.external_id]:
        if message.chat_id == chat.id and message.direction is direction:
            if chat.contact_id is not None or direction is MessageDirection.OUTBOUND:
                return message
            if message.contact_id == contact_id:
                return message
    if direction is MessageDirection.OUTBOUND and event.from_phone is not True:
        # A message that no worker has taken up yet has no echo: then somebody else sent the same words.
        for message in (one for one in held.unmatched[chat.id] if one.status is not MessageStatus.QUEUED):
            if (message.content_kind, message.text) == (event.content.kind, event.content.text):
                held.unmatched[chat.id].remove(message)
                message.external_id = event.key.external_id
                message.touch(held.now)
                held.index_message(message)
                return message
    return None


def _apply(held: Conversations, channel_id: ChannelId, fact: Fact, filed: Filed) -> bool:
    """Apply a fact to its message; return whether the message is there."""
    message = _subject(held, held.channels[channel_id], fact.key)
    if message is None:
        return False
    channel = held.channels[channel_id]
    if isinstance(fact, ReceivedAck):
        was_sent = message.is_sent
        message.acknowledge(fact.ack, acked_at=fact.acked_at, at=held.now)
        filed.count_sent(message, was_sent=was_sent)
        if message.status.rank >= MessageStatus.SENT.rank:
            held.settled.add(message.id)
    elif isinstance(fact, ReceivedReaction):
        reactor = _person(held, channel, fact.reactor, fact.reacted_at)
        message.react(reactor.id if reactor else None, fact.emoji, reacted_at=fact.reacted_at, at=held.now)
        if reactor is not None and (chat := held.chats.get(message.chat_id)) is not None:
            _welcome(held, chat, reactor, fact.reacted_at)
    elif isinstance(fact, ReceivedEdit):
        if _may_edit(held, message, fact):
            message.edit(fact.text, edited_at=fact.edited_at, at=held.now)
    elif _may_revoke(held, message, fact):
        message.revoke(revoked_at=fact.revoked_at, at=held.now)
        leave_group(held, message)
    return True


def _subject(held: Conversations, channel: Channel, key: MessageKey) -> Message | None:
    """Return the message a fact is about.

    While the chat's address is not tied to a contact yet, only our own messages are found: their ids are ours,
    whereas a stranger may choose an id that another chat already holds.
    """
    candidates = [
        message
        for message in held.messages[channel.id, key.external_id]
        if key.from_me is None or message.is_inbound is not key.from_me
    ]
    if (chat := _existing_chat(held, channel, key)) is None:
        return next((message for message in candidates if not message.is_inbound), None)
    here = [message for message in candidates if message.chat_id == chat.id]
    author = _party_id(held, channel, key.author)
    return next((message for message in here if message.contact_id == author), here[0] if here else None)


def _existing_chat(held: Conversations, channel: Channel, key: MessageKey) -> Chat | None:
    if (peer := peer_of(key)) is None:
        return held.chat_of_address.get((channel.id, str(key.chat)))
    contact_id = _party_id(held, channel, peer)
    return held.chat_of_contact.get((channel.id, contact_id)) if contact_id is not None else None


def _party_id(held: Conversations, channel: Channel, party: Party | None) -> ContactId | None:
    if party is None:
        return None
    known = (held.contact_of(channel.project_id, address) for address in party.addresses)
    return next((contact.id for contact in known if contact is not None), None)


def _may_edit(held: Conversations, message: Message, fact: ReceivedEdit) -> bool:
    """Only the author may edit."""
    author = _party_id(held, held.channels[message.channel_id], fact.key.author)
    return author is None or message.contact_id is None or author == message.contact_id


def _may_revoke(held: Conversations, message: Message, fact: ReceivedRevoke) -> bool:
    """Only the author may delete for everyone, except that admins of a group may delete anybody's message."""
    return held.chats[message.chat_id].contact_id is None or fact.by_me is not message.is_inbound


def _follow_channel(held: Conversations, channel: Channel, event: ChannelStateChanged) -> None:
    own = event.own.addresses if event.own is not None else ()
    channel.report(
        event.state,
        changed_at=event.changed_at,
        at=held.now,
        engine=Engine(event.engine) if event.engine in Engine.__members__ else None,
        phone=next((address.phone for address in own if address.phone is not None), None),
        own_lid=next((str(address) for address in own if address.kind is AddressKind.LID), None),
    )
