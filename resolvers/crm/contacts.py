"""Answers about contacts."""

from collections.abc import Awaitable, Sequence
from typing import Unpack

from domain.crm.chat import Chat
from domain.crm.contact import Contact, ContactIdentity
from domain.crm.session import Session
from domain.identity.permission import Permission
from domain.ids import ChannelId, ContactId
from domain.values import AddressKind, PhoneNumber, WhatsAppAddress
from persistence.crm.chats import CONTACT_CHATS
from persistence.crm.contacts import contact_collection
from persistence.crm.sessions import CONTACT_SESSIONS
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.ids import private
from services.crm import contacts as service


async def one(context: Context, *, id: str) -> Contact | None:  # noqa: A002 The API's word.
    """Return the contact with that id, or None."""
    key = private(ContactId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[Contact]:
    """Return a page of the project's contacts."""
    return await connections.browse(
        context, contact_collection, service.browse, count=service.count, arguments=arguments
    )


async def by_address(
    context: Context,
    *,
    channel_id: str | None = None,
    phone: PhoneNumber | None = None,
    lid: str | None = None,
    jid: str | None = None,
) -> Contact | None:
    """Return the contact behind exactly one of a phone number, a LID or a JID."""
    channel = None if channel_id is None else private(ChannelId, channel_id)
    address = _address(phone=phone, lid=lid, jid=jid)
    return await context.read(service.by_address, address=address, channel_id=channel)


def identities(contact: Contact, context: Context) -> Awaitable[Sequence[ContactIdentity]]:
    """Return how WhatsApp names the contact."""
    return context.loaders.identities.load(contact.id)


def chats(contact: Contact, context: Context, *, arguments: ListArguments) -> Awaitable[Connection[Chat]]:
    """Return the contact's individual chats."""
    context.viewer.require(Permission.CHATS_READ)
    return connections.follow(context, CONTACT_CHATS, contact.id, arguments=arguments)


def sessions(
    contact: Contact, context: Context, *, arguments: ListArguments
) -> Awaitable[Connection[Session]]:
    """Return the contact's sessions on all channels."""
    context.viewer.require(Permission.SESSIONS_READ)
    return connections.follow(context, CONTACT_SESSIONS, contact.id, arguments=arguments)


async def create(
    context: Context, *, name: str, phone: PhoneNumber | None = None, **details: Unpack[service.Details]
) -> Contact:
    """File a contact."""
    return await context.write(service.create, name=name, phone=phone, **details)


async def update(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
    **changes: Unpack[service.Changes],
) -> Contact:
    """Change a contact."""
    return await context.write(
        service.update, contact_id=private(ContactId, id), expected_version=expected_version, **changes
    )


async def delete(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Contact:
    """Stop showing a contact."""
    return await context.write(
        service.delete, contact_id=private(ContactId, id), expected_version=expected_version
    )


def _address(*, phone: PhoneNumber | None, lid: str | None, jid: str | None) -> WhatsAppAddress:
    written = [one for one in (phone, lid, jid) if one is not None]
    if len(written) != 1:
        raise BadUserInput(f"Give exactly one of phone, lid and jid; {len(written)} were given.")
    if phone is not None:
        return WhatsAppAddress.of_phone(phone)
    if lid is not None:
        address = WhatsAppAddress.parse(lid if "@" in lid else f"{lid}@lid")
        if address is None or address.kind is not AddressKind.LID:
            raise BadUserInput(f"{lid[:64]!r} is no LID; write its digits, with or without @lid.")
        return address
    address = WhatsAppAddress.parse(written[0])
    if address is None or not address.is_person:
        raise BadUserInput(f"{written[0][:64]!r} is no JID of a person, such as 5511999990001@c.us.")
    return address
