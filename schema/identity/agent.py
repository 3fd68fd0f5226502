"""Agents as published: the people and bots who answer."""

from datetime import datetime

import strawberry

from domain.identity import agent as domain
from domain.identity.agent import AgentType
from domain.ids import AgentId
from resolvers.identity import agents as resolve
from schema.ai.agent_settings import AiSettings
from schema.fields import edge, plain
from schema.relay import Node, id_of


@strawberry.interface(description="Who answers on our side.")
class Agent(Node):
    """A person or bot."""

    id: strawberry.ID = id_of(AgentId)
    name: str = plain("What contacts and colleagues call them.")
    is_active: bool = plain("Whether they still answer.")
    created_at: datetime = plain("When they joined the project.")
    version: int = plain("Grows with every change; give it as expectedVersion.")


@strawberry.type(description="A person who answers.")
class HumanAgent(Agent):
    """An agent of type HUMAN."""

    email: str | None = plain("The e-mail address.")

    @classmethod
    def is_type_of(cls, found: object, _info: object) -> bool:
        """Whether the type stands for the object."""
        return isinstance(found, domain.Agent) and found.type is AgentType.HUMAN


@strawberry.type(description="A program that answers.")
class BotAgent(Agent):
    """An agent of type BOT or AI."""

    type: AgentType = plain("AI for a language model that we run, BOT for a program of yours.")
    ai: AiSettings | None = edge(resolve.settings, "How an agent of type AI answers.")

    @classmethod
    def is_type_of(cls, found: object, _info: object) -> bool:
        """Whether the type stands for the object."""
        return isinstance(found, domain.Agent) and found.type in {AgentType.BOT, AgentType.AI}
