"""The session as published."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.crm import session as domain
from domain.crm.session import SessionEndReason, SessionStatus
from domain.ids import SessionId
from resolvers.ai import runs as about_runs
from resolvers.ai import sessions as summarized
from resolvers.crm import sessions as resolve
from schema.ai.memory import Escalation, SessionSummary
from schema.crm.channel import Channel
from schema.crm.chat import Chat
from schema.crm.contact import Contact
from schema.fields import connection, edge, plain, represents
from schema.identity.agent import Agent
from schema.relay import Connection, Node, id_of

if TYPE_CHECKING:
    from schema.ai.run import AiRun
    from schema.crm.message import Message


@strawberry.type(description="One service episode with a contact on one channel, bounded by silence.")
@represents(domain.Session)
class Session(Node):
    """A session."""

    id: strawberry.ID = id_of(SessionId)
    status: SessionStatus = plain("Whether it goes on.")
    end_reason: SessionEndReason | None = plain("Why it ended.")
    chat: Chat = edge(resolve.chat, "The chat it is part of.")
    contact: Contact | None = edge(resolve.contact, "The person it is with.")
    channel: Channel = edge(resolve.channel, "The channel it is on.")
    started_at: datetime = plain("When its first message was sent.")
    ended_at: datetime | None = plain("When it ended: after silence, the time of its last message.")
    last_activity_at: datetime = plain("When its newest message was sent.")
    timeout_seconds: int = plain("How much silence ends it, in seconds.")
    message_count: int = plain("How many messages it has.")
    first_response_seconds: int | None = edge(
        resolve.first_response_seconds,
        "Whole seconds from the contact's first message to our first one after it; null without an answer.",
    )
    assignee: Agent | None = edge(resolve.assignee, "Who is in charge.")
    summary: SessionSummary | None = edge(
        summarized.summary, "What it was about; written some time after it ended, where an AI agent answers."
    )
    escalation: Escalation | None = plain(
        "That an AI agent asked for a person, until one lets it answer again."
    )
    ai_runs: Connection[Annotated["AiRun", strawberry.lazy("schema.ai.run")]] = connection(
        about_runs.of_session, "What AI agents did in it, the latest first."
    )
    messages: Connection[Annotated["Message", strawberry.lazy("schema.crm.message")]] = connection(
        resolve.messages, "The messages by the time they were sent."
    )
    created_at: datetime = plain("When the session was filed.")
    updated_at: datetime = plain("When the session last changed.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
