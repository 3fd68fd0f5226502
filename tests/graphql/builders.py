"""Contacts, chats and messages for the tests of the API, made by the domain's own constructors."""

from datetime import datetime, timedelta

from domain.crm.chat import Chat, ChatType
from domain.crm.contact import Contact, IdentitySource, NameSource
from domain.crm.content import MessageContent, TextContent
from domain.crm.message import Message, MessageDirection, MessageOrigin
from domain.crm.session import Session
from domain.values import PhoneNumber, WhatsAppAddress
from persistence.database import Database
from persistence.events import Cause
from persistence.unit_of_work import UnitOfWork
from tests.factories import NOON, Shop

CAUSE = Cause(correlation_id="test", actor="test")


def a_contact(uow: UnitOfWork, shop: Shop, name: str = "Maria", phone: str | None = None) -> Contact:
    """A contact, with a phone if one is given."""
    contact = uow.contacts.add(
        Contact.create(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            name=name,
            source=NameSource.PUSH_NAME,
            at=uow.now,
        )
    )
    if phone is not None:
        address = WhatsAppAddress.of_phone(PhoneNumber(phone))
        uow.contacts.link(contact.identify(address, source=IdentitySource.MESSAGE, at=uow.now))
    return contact


def a_chat(uow: UnitOfWork, shop: Shop, contact: Contact | None, address: str) -> Chat:
    """A chat with a contact, or a group."""
    return uow.chats.add(
        Chat.open(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            channel_id=shop.channel_id,
            type=ChatType.GROUP if contact is None else ChatType.INDIVIDUAL,
            external_id=address,
            contact_id=None if contact is None else contact.id,
            at=uow.now,
        )
    )


def a_session(uow: UnitOfWork, shop: Shop, chat: Chat, started_at: datetime = NOON) -> Session:
    """A session that goes on in a chat."""
    assert chat.contact_id is not None
    return uow.sessions.add(
        Session.start(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            channel_id=shop.channel_id,
            chat_id=chat.id,
            contact_id=chat.contact_id,
            pipeline_id=None,
            started_at=started_at,
            timeout_seconds=1800,
            at=uow.now,
        )
    )


def a_message(
    uow: UnitOfWork,
    shop: Shop,
    chat: Chat,
    text: str | MessageContent,
    *,
    external_id: str,
    sent_at: datetime = NOON,
    session: Session | None = None,
    direction: MessageDirection = MessageDirection.INBOUND,
    reply_to: str | None = None,
) -> Message:
    """A message of a chat, counted in a session if one is given."""
    message = uow.messages.add(
        Message.receive(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            channel_id=shop.channel_id,
            chat_id=chat.id,
            contact_id=chat.contact_id,
            session_id=None if session is None else session.id,
            direction=direction,
            origin=MessageOrigin.LIVE,
            content=TextContent(text=text) if isinstance(text, str) else text,
            external_id=external_id,
            reply_to_external_id=reply_to,
            sent_at=sent_at,
            at=uow.now,
        )
    )
    chat.file(sent_at, at=uow.now)
    if session is not None:
        session.count(sent_at, from_contact=message.is_inbound, at=uow.now)
    return message


async def an_inbox(database: Database, shop: Shop, *, chats: int, messages: int) -> list[Chat]:
    """Chats with a contact, a session and messages each; the last chat has the newest message."""
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        made = []
        for number in range(chats):
            contact = a_contact(uow, shop, f"Contact {number}", f"+5511{90000000 + number:09d}")
            chat = a_chat(uow, shop, contact, f"55119{90000000 + number}@c.us")
            session = a_session(uow, shop, chat)
            for place in range(messages):
                a_message(
                    uow,
                    shop,
                    chat,
                    f"{number}/{place}",
                    external_id=f"{number}-{place}",
                    sent_at=NOON + timedelta(minutes=number, seconds=place),
                    session=session,
                    direction=MessageDirection.OUTBOUND if place % 2 else MessageDirection.INBOUND,
                )
            made.append(chat)
    return made
