"""One batch of inbound events as one transaction: load what they touch, apply them, store the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.crm.enrichment_routing import NOTHING, Abilities
from domain.crm.inbound import Fact, InboundEvent, ReceivedMessage, ReceivedRevoke, ReceivedTyping
from domain.ids import ChannelId, ContactId, ProjectId, TenantId
from domain.values import AddressKind, WhatsAppAddress
from persistence.bulk import Connection
from persistence.crm.channel_counters import count_events
from persistence.crm.contact_merge import merge_contacts
from persistence.crm.contacts import IdentityKey
from persistence.crm.conversations import Conversations, SessionKey, identity_keys
from persistence.due import Alarm
from persistence.events import Cause
from persistence.messaging import facts
from persistence.messaging.facts import EarlyFact
from services.crm.inbound import Report, file_reports, peer_of, peer_of_chat, people_of
from services.crm.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class Processed:
    """What a batch did: the outcome of each report by its number, and what is to be told after the commit."""

    outcomes: dict[int, Outcome]
    wakes: frozenset[str] = frozenset()
    alarms: tuple[Alarm, ...] = ()


async def process(
    connection: Connection,
    tenant_id: TenantId,
    reports: Sequence[Report],
    *,
    now: datetime,
    cause: Cause,
    abilities: Abilities = NOTHING,
) -> Processed:
    """Apply a tenant's events in the order given, inside the caller's transaction.

    `abilities` says what can be found out about files; nothing else is asked.

    Raises `Conflict` when another worker changed the same people meanwhile: roll back and start over.
    """
    held = Conversations(connection=connection, now=now, abilities=abilities)
    await held.load_channels(report.channel_id for report in reports)
    outcomes = {
        report.number: Outcome.IGNORED for report in reports if report.channel_id not in held.channels
    }
    live = [report for report in reports if report.channel_id in held.channels]
    everything = [(report.channel_id, report.event) for report in live]
    people = await _find_people(held, everything, now=now, cause=cause)
    # Only now, because a fact may be put aside by whoever held the same people until a moment ago.
    early = await _early_facts(connection, live)
    if early:
        everything += [(one.channel_id, one.fact) for one in early]
        await held.load_channels(one.channel_id for one in early)
        people = await _find_people(held, everything, now=now, cause=cause)
    await _load(held, everything, people)
    filed, settled = file_reports(held, live, [(one.channel_id, one.fact) for one in early])
    wakes = await held.save(cause)
    applied = {id(fact) for _, fact in settled}
    await facts.forget(connection, [one.id for one in early if id(one.fact) in applied])
    await facts.keep(connection, tenant_id, filed.waiting, at=now)
    await count_events(
        connection,
        tenant_id,
        {report.channel_id for report in live} | filed.sent.keys(),
        received=filed.received,
        sent=filed.sent,
        at=now,
    )
    return Processed(outcomes=outcomes | filed.outcomes, wakes=frozenset(wakes), alarms=tuple(held.alarms))


async def _early_facts(connection: Connection, reports: Sequence[Report]) -> list[EarlyFact]:
    """Load facts that waited for these messages, or for the addresses that these events tie together."""
    messages, chats = [], []
    for report in reports:
        if isinstance(report.event, ReceivedMessage):
            messages.append((report.channel_id, report.event.key.external_id))
        for party in people_of(report.event):
            if party.alternate is not None:
                chats += [(report.channel_id, str(address)) for address in party.addresses]
    return await facts.load(connection, messages=messages, chats=sorted(set(chats), key=str))


async def _find_people(
    held: Conversations,
    events: Sequence[tuple[ChannelId, InboundEvent]],
    *,
    now: datetime,
    cause: Cause,
) -> dict[IdentityKey, ContactId]:
    """Find the contacts behind all addresses; addresses of one person that led to several join them.

    The answer holds the addresses that are about to be tied to a known contact as well.
    """
    named = [
        (held.channels[channel_id].project_id, party.addresses)
        for channel_id, event in events
        for party in people_of(event)
    ]
    await held.load_identities((project, address) for project, group in named for address in group)
    for project, group in named:
        owners = frozenset(_owners(held, project, group))
        if len(owners) > 1:
            keeper = await merge_contacts(held.connection, owners, now=now, cause=cause)
            for key, owner in held.identities.items():
                if owner in owners:
                    held.identities[key] = keeper
    people = {
        key: owner
        for project, group in named
        for owner in _owners(held, project, group)
        for address in group
        for key in identity_keys(project, address)
    }
    await held.load_contacts(people.values())
    return people


def _owners(held: Conversations, project: ProjectId, group: Sequence[WhatsAppAddress]) -> set[ContactId]:
    return {
        held.identities[key]
        for address in group
        for key in identity_keys(project, address)
        if key in held.identities
    }


async def _load(
    held: Conversations,
    events: Sequence[tuple[ChannelId, InboundEvent]],
    known: Mapping[IdentityKey, ContactId],
) -> None:
    """Load and lock the chats, sessions and messages that the events touch."""
    addresses: list[tuple[ChannelId, str]] = []
    people: list[SessionKey] = []
    spans: dict[SessionKey, tuple[datetime, datetime]] = {}
    messages: list[tuple[ChannelId, str]] = []
    echoes: list[tuple[ChannelId, str, SessionKey | None]] = []
    for channel_id, event in events:
        if isinstance(event, ReceivedTyping):
            peer = peer_of_chat(event.chat, event.peer)
        elif isinstance(event, ReceivedMessage | Fact):
            messages.append((channel_id, event.key.external_id))
            peer = peer_of(event.key)
        else:
            continue
        address = event.chat if isinstance(event, ReceivedTyping) else event.key.chat
        project = held.channels[channel_id].project_id
        spellings = [one for name in peer.addresses for one in identity_keys(project, name)] if peer else []
        contact_id = next((known[one] for one in spellings if one in known), None)
        key = (channel_id, contact_id) if contact_id is not None else None
        if key is not None:
            people.append(key)
        elif address.kind is not AddressKind.LID:
            addresses.append((channel_id, str(address)))
        if isinstance(event, ReceivedMessage):
            if key is not None:
                since, until = spans.get(key, (event.sent_at, event.sent_at))
                spans[key] = (min(since, event.sent_at), max(until, event.sent_at))
            if event.key.from_me and event.from_phone is not True:
                echoes.append((channel_id, str(event.key.chat), key))
    await held.load_chats(addresses, people)
    await held.load_sessions(spans)
    chats_with_echoes = (
        held.chat_of_contact.get(key) if key else held.chat_of_address.get((channel_id, address))
        for channel_id, address, key in echoes
    )
    await held.load_messages(messages, echoes_in=[chat.id for chat in chats_with_echoes if chat])
    if any(isinstance(event, ReceivedMessage | ReceivedRevoke | ReceivedTyping) for _, event in events):
        await held.load_groups(held.chats)
