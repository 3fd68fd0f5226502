"""Runs of agents as published."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.ai import run as domain
from domain.ai.run import RunOutcome, ToolOutcome
from domain.ids import AiRunId
from resolvers.ai import runs as resolve
from schema.crm.chat import Chat
from schema.crm.contact import Contact
from schema.fields import edge, plain, represents
from schema.identity.agent import BotAgent
from schema.relay import Node, id_of

if TYPE_CHECKING:
    from schema.crm.session import Session


@strawberry.type(description="One call of a tool. What was asked and found is not kept.")
@represents(domain.ToolRecord)
class AiToolCall:
    """A `domain.ai.run.ToolRecord`."""

    step: int = plain("Which answer of the model asked for it, from 0.")
    name: str = plain("The tool.")
    arguments_hash: str = plain("SHA-256 of the arguments as JSON with sorted keys, in hexadecimal.")
    outcome: ToolOutcome = plain("What came of it.")
    milliseconds: int = plain("How long it took.")


@strawberry.type(description="An agent's work on one burst. What was said in it is not kept.")
@represents(domain.AiRun)
class AiRun(Node):
    """A run."""

    id: strawberry.ID = id_of(AiRunId)
    agent: BotAgent | None = edge(resolve.agent, "Who worked.")
    chat: Chat | None = edge(resolve.chat, "The chat of the burst; null once it was joined to another.")
    contact: Contact | None = edge(resolve.contact, "Who wrote the burst.")
    session: Annotated["Session", strawberry.lazy("schema.crm.session")] | None = edge(
        resolve.session, "The session of the burst; null once it was joined to another."
    )
    model: str | None = plain("The model that answered last, as it calls itself.")
    outcome: RunOutcome | None = plain("How it ended; null while it goes on.")
    reason: str | None = plain("Why the agent was silent or handed over, or which limit was reached.")
    error: str | None = plain("Why it failed.")
    prompt_tokens: int = plain("Tokens of everything that was asked.")
    completion_tokens: int = plain("Tokens of everything that was answered.")
    cached_tokens: int = plain("Those tokens of promptTokens that the provider knew.")
    cost_microusd: int = plain("What is known of the cost, in millionths of a US dollar.")
    is_cost_known: bool = plain("Whether every model that was asked has a price.")
    latency_ms: int = plain("How long the model took, all answers together.")
    step_count: int = plain("How often the model answered.")
    reply_count: int = plain("How many messages were sent.")
    tool_calls: list[AiToolCall] = plain("The calls of tools in their order.")
    started_at: datetime = plain("When it began.")
    finished_at: datetime | None = plain("When it ended.")
