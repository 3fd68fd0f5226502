"""What agents remember and sum up, as published."""

from datetime import datetime

import strawberry

from domain.ai import contact_fact, session_summary
from domain.ai.session_summary import Sentiment
from domain.crm import escalation
from domain.crm.escalation import EscalationCause
from domain.ids import ContactFactId
from resolvers.ai import sessions as resolve
from schema.fields import computed, edge, plain, represents
from schema.identity.agent import BotAgent
from schema.relay import id_of


@strawberry.type(description="Something lasting that an agent remembers about a contact.")
@represents(contact_fact.ContactFact)
class ContactFact:
    """A fact."""

    id: strawberry.ID = id_of(ContactFactId, "The fact's id, for contactFactForget.")
    text: str = plain("The fact, in a sentence.")
    agent: BotAgent | None = edge(resolve.remembering_agent, "Who remembered it.")
    created_at: datetime = plain("When it was remembered.")


@strawberry.type(description="What a session was about, as a language model put it.")
@represents(session_summary.SessionSummary)
class SessionSummary:
    """A summary."""

    text: str = plain("The summary.")
    sentiment: Sentiment = plain("How the contact felt.")
    topics: list[str] = plain("What it was about, in a few words each.")
    next_steps: list[str] = plain("What is left to do.")
    model: str = plain("The model that wrote it.")
    message_count: int = plain("How many messages it covers.")
    created_at: datetime = computed(lambda one: one.updated_at, "When it was written.")


@strawberry.type(description="That an AI agent asked for a person.")
@represents(escalation.Escalation)
class Escalation:
    """An escalation."""

    cause: EscalationCause = plain("Why a person is needed.")
    reason: str = plain("The reason in the agent's words, or what went wrong.")
    agent: BotAgent | None = edge(resolve.escalating_agent, "Which agent asked.")
    escalated_at: datetime = computed(lambda one: one.at, "When it asked.")
