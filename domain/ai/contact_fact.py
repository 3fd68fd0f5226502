"""Something lasting that an agent remembers about a contact."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.ai.tools import FACT_LIMIT
from domain.base import Aggregate, Event
from domain.errors import require_text
from domain.ids import AgentId, ContactFactId, ContactId, ProjectId, TenantId, new_id

MOST_FACTS = 100
"""How many facts a contact can have."""


class ContactFactForgotten(Event, name="contact_fact.forgotten"):
    """Something is not remembered any more."""

    contact_fact_id: ContactFactId
    contact_id: ContactId


class ContactFactRemembered(Event, name="contact_fact.remembered"):
    """Something was remembered about a contact."""

    contact_fact_id: ContactFactId
    contact_id: ContactId
    agent_id: AgentId | None


@dataclass(eq=False, kw_only=True)
class ContactFact(Aggregate):
    """One fact, in one sentence; `agent_id` is who remembered it."""

    kind: ClassVar[str] = "contact_fact"
    id: ContactFactId
    tenant_id: TenantId
    project_id: ProjectId
    contact_id: ContactId
    agent_id: AgentId | None = None
    text: str
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def remember(
        cls,
        text: str,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        contact_id: ContactId,
        agent_id: AgentId | None,
        at: datetime,
    ) -> "ContactFact":
        """Remember something. Raises `Required` or `TooLong`."""
        fact = cls(
            id=ContactFactId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            contact_id=contact_id,
            agent_id=agent_id,
            text=require_text(text, field="fact", limit=FACT_LIMIT),
            created_at=at,
            updated_at=at,
        )
        fact.record(
            ContactFactRemembered(contact_fact_id=fact.id, contact_id=contact_id, agent_id=agent_id), at=at
        )
        return fact

    def forget(self, *, at: datetime) -> None:
        """Stop remembering it; the fact is about to be removed."""
        self.record(ContactFactForgotten(contact_fact_id=self.id, contact_id=self.contact_id), at=at)
