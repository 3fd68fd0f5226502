"""Contacts and their identities: tables, mapping, repository."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.crm.contact import (
    Contact,
    ContactIdentity,
    CustomField,
    IdentityKind,
    IdentitySource,
    NameSource,
)
from domain.ids import ContactId, ProjectId
from persistence.filters import Filterable, contains
from persistence.metadata import belongs_to, tenant_table
from persistence.paging import Collection, Listing, Page, PageRequest, SortKey, Term, or_earliest
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
    # Those never spoken with sort as if it had been before all others.
    or_earliest(contacts.c.last_interaction_at),
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


_SHORTEST_NUMBER = 3


def search_contacts(query: str) -> ColumnElement[bool]:
    """Return whether the name holds the text or, for three digits and more, the phone number holds them."""
    digits = "".join(character for character in query if character.isdecimal() and character.isascii())
    conditions = [contains(contacts.c.name, query)]
    if len(digits) >= _SHORTEST_NUMBER:
        conditions.append(contacts.c.phone.contains(digits, autoescape=True))
    return or_(*conditions)


contact_collection = Collection(
    entity=Contact,
    table=contacts,
    default_order=(Term("CREATED_AT", descending=True),),
    sort_keys={
        "CREATED_AT": SortKey(contacts.c.created_at),
        "LAST_INTERACTION_AT": SortKey(contacts.c.last_interaction_at, is_optional=True),
        "NAME": SortKey(func.lower(contacts.c.name)),
    },
    fields={
        "id": Filterable(contacts.c.id, "ContactId"),
        "name": Filterable(contacts.c.name),
        "phone": Filterable(contacts.c.phone),
        "email": Filterable(contacts.c.email),
        "external_id": Filterable(contacts.c.external_id),
        "tags": Filterable(contacts.c.tags),
        "last_interaction_at": Filterable(contacts.c.last_interaction_at),
        "created_at": Filterable(contacts.c.created_at),
    },
    shown=_shown,
    search=search_contacts,
)

IdentityKey = tuple[ProjectId, IdentityKind, str]
"""An identity as it is unique: in a project, of a kind, by its value."""

LOCK_CLASS = 78
"""The class of advisory locks on identities."""


def lock_names(keys: Iterable[IdentityKey]) -> list[str]:
    """Return the names of the locks on identities, in the one order in which everybody has to take them.

    Two that take them in that order cannot wait for each other, nor make the same contact twice.
    """
    return sorted({f"{project} {kind.value} {value}" for project, kind, value in keys})


class Contacts(Repository[Contact]):
    """The contacts of a tenant."""

    aggregate = Contact
    table = contacts

    def link(self, identity: ContactIdentity) -> None:
        """Store an identity when the transaction commits."""
        self.session.add(identity)

    async def page(self, project_id: ProjectId, listing: Listing, request: PageRequest) -> Page[Contact]:
        """Return a page of a project's contacts."""
        return await contact_collection.page(
            self.session, contacts.c.project_id == project_id, listing, request
        )

    async def count(self, project_id: ProjectId, listing: Listing) -> int:
        """Return how many contacts of a project there are, up to the limit of counting."""
        return await contact_collection.count(self.session, contacts.c.project_id == project_id, listing)

    async def by_identity(
        self, project_id: ProjectId, identities: Sequence[tuple[IdentityKind, str]]
    ) -> Contact | None:
        """Return the contact that has one of the identities, the first that anyone has."""
        key = tuple_(contact_identities.c.kind, contact_identities.c.value)
        place = case(
            *((contact_identities.c.value == value, number) for number, (_, value) in enumerate(identities)),
            else_=len(identities),
        )
        found = await self.session.scalars(
            select(Contact)
            .join(
                contact_identities,
                (contact_identities.c.tenant_id == contacts.c.tenant_id)
                & (contact_identities.c.contact_id == contacts.c.id),
            )
            .where(contact_identities.c.project_id == project_id, key.in_(identities))
            .order_by(place)
            .limit(1)
        )
        return found.one_or_none()

    async def claim(self, project_id: ProjectId, identities: Sequence[tuple[IdentityKind, str]]) -> None:
        """Keep others from linking these identities until the transaction ends."""
        names = lock_names((project_id, kind, value) for kind, value in identities)
        name = func.unnest(literal(names, ARRAY(Text))).column_valued("name")
        await self.session.execute(select(func.pg_advisory_xact_lock(LOCK_CLASS, func.hashtext(name))))

    async def identities_of(self, ids: Sequence[UUID]) -> dict[ContactId, list[ContactIdentity]]:
        """Return the identities of several contacts, the oldest of each first."""
        found: dict[ContactId, list[ContactIdentity]] = {}
        rows = await self.session.scalars(
            select(ContactIdentity)
            .where(contact_identities.c.contact_id.in_(ids))
            .order_by(contact_identities.c.created_at, contact_identities.c.id)
        )
        for identity in rows:
            found.setdefault(identity.contact_id, []).append(identity)
        return found
