"""Facts about contacts: table, mapping, repository."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Text, Uuid, func, select

from domain.ai.contact_fact import ContactFact
from domain.ids import ContactId
from persistence.metadata import belongs_to, tenant_table
from persistence.repository import Repository
from persistence.types import instant

contact_facts = tenant_table(
    "contact_facts",
    Column("project_id", Uuid, nullable=False),
    Column("contact_id", Uuid, nullable=False),
    Column("agent_id", Uuid),
    Column("text", Text, nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("updated_at", instant(), nullable=False),
    Column("version", Integer, nullable=False),
    belongs_to("project_id", "projects"),
    belongs_to("contact_id", "contacts"),
    belongs_to("agent_id", "agents"),
    Index("ix_contact_facts_contact", "tenant_id", "contact_id", "created_at", "id"),
)


class ContactFacts(Repository[ContactFact]):
    """What is remembered about a tenant's contacts."""

    aggregate = ContactFact
    table = contact_facts

    async def about(self, contact_id: ContactId) -> list[ContactFact]:
        """Return what is remembered about a contact, oldest first."""
        return (await self.about_many([contact_id])).get(contact_id, [])

    async def about_many(self, contact_ids: Sequence[UUID]) -> dict[ContactId, list[ContactFact]]:
        """Return what is remembered about several contacts, oldest first."""
        rows = await self.session.scalars(
            select(ContactFact)
            .where(contact_facts.c.contact_id.in_(contact_ids))
            .order_by(contact_facts.c.created_at, contact_facts.c.id)
        )
        found: dict[ContactId, list[ContactFact]] = {}
        for fact in rows:
            found.setdefault(fact.contact_id, []).append(fact)
        return found

    async def count_about(self, contact_id: ContactId) -> int:
        """Return how much is remembered about a contact."""
        found = await self.session.scalar(
            select(func.count()).select_from(contact_facts).where(contact_facts.c.contact_id == contact_id)
        )
        return int(found or 0)

    async def remove(self, fact: ContactFact) -> None:
        """Delete a fact for good."""
        await self.session.delete(fact)
