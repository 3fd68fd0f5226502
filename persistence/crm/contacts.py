"""Contacts and their identities: tables, mapping, repository."""

from sqlalchemy import Column, Index, Integer, Text, UniqueConstraint, Uuid, func

from domain.crm.contact import (
    Contact,
    ContactIdentity,
    CustomField,
    IdentityKind,
    IdentitySource,
    NameSource,
)
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import AsJSON, EnumText, Phone, instant

contacts = tenant_table(
    "contacts",
    Column("project_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_source", EnumText(NameSource), nullable=False),
    Column("name_at", instant(), nullable=False),
    Column("phone", Phone),
    Column("email", Text),
    Column("external_id", Text),
    Column("language", Text),
    Column("timezone", Text),
    Column("tags", AsJSON[tuple[str, ...]](tuple[str, ...]), nullable=False),
    Column("custom_fields", AsJSON[tuple[CustomField, ...]](tuple[CustomField, ...]), nullable=False),
    Column("first_interaction_at", instant()),
    Column("last_interaction_at", instant()),
    Column("merged_into_id", Uuid),
    Column("deleted_at", instant()),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("merged_into_id", "contacts"),
)
_shown = contacts.c.deleted_at.is_(None)
Index(
    "ix_contacts_created",
    contacts.c.tenant_id,
    contacts.c.project_id,
    contacts.c.created_at,
    contacts.c.id,
    postgresql_where=_shown,
)
Index(
    "ix_contacts_last_interaction",
    contacts.c.tenant_id,
    contacts.c.project_id,
    contacts.c.last_interaction_at,
    contacts.c.id,
    postgresql_where=_shown,
)
Index(
    "ix_contacts_name",
    contacts.c.tenant_id,
    contacts.c.project_id,
    func.lower(contacts.c.name),
    contacts.c.id,
    postgresql_where=_shown,
)
Index("ix_contacts_phone", contacts.c.tenant_id, contacts.c.project_id, contacts.c.phone)
Index("ix_contacts_email", contacts.c.tenant_id, contacts.c.project_id, contacts.c.email)
Index(
    "uq_contacts_external_id",
    contacts.c.tenant_id,
    contacts.c.project_id,
    contacts.c.external_id,
    unique=True,
    postgresql_where=_shown,
)

contact_identities = tenant_table(
    "contact_identities",
    Column("project_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("kind", EnumText(IdentityKind), nullable=False),
    Column("value", Text, nullable=False),
    Column("source", EnumText(IdentitySource), nullable=False),
    Column("created_at", instant(), nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("contact_id", "contacts"),
    UniqueConstraint("tenant_id", "project_id", "kind", "value"),
    Index("ix_contact_identities_contact", "tenant_id", "contact_id"),
)


class Contacts(Repository[Contact]):
    """The contacts of a tenant."""

    aggregate = Contact
    table = contacts

    def link(self, identity: ContactIdentity) -> None:
        """Store an identity when the transaction commits."""
        self.session.add(identity)
