"""Answers about what sessions were about, and who is to take them over."""

from collections.abc import Awaitable

from domain.ai.contact_fact import ContactFact
from domain.ai.session_summary import SessionSummary
from domain.crm.contact import Contact
from domain.crm.escalation import Escalation
from domain.crm.session import Session
from domain.identity.agent import Agent
from domain.ids import ContactFactId
from resolvers.context import Context
from resolvers.ids import private
from services.ai import contact_memory


def summary(session: Session, context: Context) -> Awaitable[SessionSummary | None]:
    """Return what a session was about, if it was summed up."""
    return context.loaders.session_summaries.load(session.id)


def facts(contact: Contact, context: Context) -> Awaitable[list[ContactFact]]:
    """Return what agents remember about a contact, oldest first."""
    return context.loaders.contact_facts.load(contact.id)


def escalating_agent(escalation: Escalation, context: Context) -> Awaitable[Agent | None]:
    """Return which agent asked for a person."""
    return context.loaders.agents.load(escalation.agent_id)


def remembering_agent(fact: ContactFact, context: Context) -> Awaitable[Agent | None] | None:
    """Return which agent remembered a fact."""
    return None if fact.agent_id is None else context.loaders.agents.load(fact.agent_id)


async def forget(context: Context, *, id: str) -> ContactFact:  # noqa: A002 The API's word.
    """Forget something about a contact."""
    return await context.write(contact_memory.forget, fact_id=private(ContactFactId, id))
