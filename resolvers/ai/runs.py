"""Answers about runs of agents."""

from collections.abc import Awaitable

from domain.ai.run import AiRun
from domain.crm.chat import Chat
from domain.crm.contact import Contact
from domain.crm.message_group import MessageGroup
from domain.crm.session import Session
from domain.identity.agent import Agent
from domain.identity.permission import Permission
from domain.ids import AiRunId
from persistence.ai.runs import SESSION_RUNS, ai_run_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.ai import run_queries as service


async def one(context: Context, *, id: str) -> AiRun | None:  # noqa: A002 The API's word.
    """Return the run with that id, or None."""
    key = private(AiRunId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[AiRun]:
    """Return a page of the project's runs."""
    return await connections.browse(
        context, ai_run_collection, service.browse, count=service.count, arguments=arguments
    )


def of_group(group: MessageGroup, context: Context) -> Awaitable[AiRun | None]:
    """Return what an agent did about a burst."""
    context.viewer.require(Permission.AI_READ)
    return context.loaders.ai_runs.load(group.id)


def of_session(
    session: Session, context: Context, *, arguments: ListArguments
) -> Awaitable[Connection[AiRun]]:
    """Return the runs in a session."""
    context.viewer.require(Permission.AI_READ)
    return connections.follow(context, SESSION_RUNS, session.id, arguments=arguments)


def agent(run: AiRun, context: Context) -> Awaitable[Agent | None]:
    """Return who answered."""
    context.viewer.require(Permission.SESSIONS_READ)
    return context.loaders.agents.load(run.agent_id)


def chat(run: AiRun, context: Context) -> Awaitable[Chat | None]:
    """Return the chat the burst was written in; None once it was joined to another."""
    context.viewer.require(Permission.CHATS_READ)
    return context.loaders.chats.load(run.chat_id)


def contact(run: AiRun, context: Context) -> Awaitable[Contact | None]:
    """Return who wrote the burst."""
    context.viewer.require(Permission.CONTACTS_READ)
    return context.loaders.contacts.load(run.contact_id)


def session(run: AiRun, context: Context) -> Awaitable[Session | None] | None:
    """Return the session the burst was part of; None once it was joined to another."""
    context.viewer.require(Permission.SESSIONS_READ)
    return None if run.session_id is None else context.loaders.sessions.load(run.session_id)
