"""Agents as published: the people and bots who answer."""

from datetime import datetime

import strawberry

from domain.identity import agent as domain
from domain.identity.agent import AgentType
from domain.ids import AgentId
from schema.fields import plain
from schema.relay import Node, id_of


@strawberry.interface(description="Who answers on our side.")
class Agent(Node):
    """A person or bot."""

    id: strawberry.ID = id_of(AgentId)
    name: str = plain("What contacts and colleagues call them.")
    is_active: bool = plain("Whether they still answer.")
    created_at: datetime = plain("When they joined the project.")


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

    @classmethod
    def is_type_of(cls, found: object, _info: object) -> bool:
        """Whether the type stands for the object."""
        return isinstance(found, domain.Agent) and found.type in {AgentType.BOT, AgentType.AI}
