"""The contact as published."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.crm import contact as domain
from domain.crm.contact import IdentityKind, IdentitySource
from domain.ids import ContactId, IdentityId
from domain.values import PhoneNumber
from resolvers.ai import sessions as remembered
from resolvers.crm import contacts as resolve
from schema.ai.memory import ContactFact
from schema.crm.session_list_arguments import SessionWhere
from schema.fields import connection, edge, plain, represents
from schema.relay import Connection, Node, id_of

if TYPE_CHECKING:
    from schema.crm.chat import Chat
    from schema.crm.session import Session


@strawberry.type(description="One way WhatsApp names a contact; unique in the project.")
class ContactIdentity:
    """An identity and its provenance."""

    id: strawberry.ID = id_of(IdentityId, "The identity's id.")
    kind: IdentityKind = plain("Whether it is a phone number, a LID or another JID.")
    value: str = plain("A phone number in E.164, or a LID or JID as WAHA writes it.")
    source: IdentitySource = plain("How it became known.")
    created_at: datetime = plain("When it became known.")


@strawberry.type(description="A named value of the project's own choosing.")
class CustomFieldValue:
    """A key and its value."""

    key: str = plain("The name.")
    value: str = plain("The value.")


@strawberry.type(description="A person or company spoken with.")
@represents(domain.Contact)
class Contact(Node):
    """A contact."""

    id: strawberry.ID = id_of(ContactId)
    name: str = plain("What the contact is called; names given by hand win over WhatsApp's.")
    phone: PhoneNumber | None = plain("The telephone number to show; unknown while WhatsApp hides it.")
    email: str | None = plain("The e-mail address, in lower case.")
    external_id: str | None = plain("The id in another system; unique in the project.")
    identities: list[ContactIdentity] = edge(
        resolve.identities, "How WhatsApp names the contact, oldest first."
    )
    tags: list[str] = plain("Labels, in lower case, in the order they were given.")
    custom_fields: list[CustomFieldValue] = plain("Values of the project's own choosing.")
    facts: list[ContactFact] = edge(
        remembered.facts, "What AI agents remember about the contact, oldest first, at most 100."
    )
    language: str | None = plain("A language tag (BCP 47), such as pt-BR.")
    timezone: str | None = plain("A time zone, such as America/Sao_Paulo.")
    first_interaction_at: datetime | None = plain("When the first message either way was sent.")
    last_interaction_at: datetime | None = plain("When the newest message either way was sent.")
    created_at: datetime = plain("When the contact was filed.")
    updated_at: datetime = plain("When the contact last changed.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
    chats: Connection[Annotated["Chat", strawberry.lazy("schema.crm.chat")]] = connection(
        resolve.chats, "The individual chats with the contact, the newest message first."
    )
    sessions: Connection[Annotated["Session", strawberry.lazy("schema.crm.session")]] = connection(
        resolve.sessions, "The contact's sessions on all channels, the latest first.", where=SessionWhere
    )
