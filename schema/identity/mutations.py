"""What is said to and by the mutations of agents and API keys."""

from datetime import datetime

import strawberry

from domain.identity.agent import AgentType
from domain.identity.permission import Permission
from resolvers.identity import agents, api_keys
from schema.ai.agent_settings import AiSettingsInput
from schema.fields import optional, plain
from schema.identity.agent import Agent
from schema.identity.api_key import ApiKey
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="Who is to answer.")
class AgentCreateInput:
    """Who is to answer."""

    name: str = plain("What contacts and colleagues call them, up to 200 characters.")
    type: AgentType = plain("HUMAN, BOT or AI.")
    email: str | None = optional("The e-mail address.")
    ai: AiSettingsInput | None = optional("How an agent of type AI is to answer; it needs instructions.")


@strawberry.input(description="What to change about an agent; what is left out stays.")
class AgentUpdateInput:
    """What to change."""

    id: strawberry.ID = plain("The agent.")
    name: str | None = optional("What contacts and colleagues call them; cannot be cleared.")
    email: str | None = optional("The e-mail address; null for none.")
    ai: AiSettingsInput | None = optional("What to change about how an agent of type AI answers.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Who is to answer again.")
class AgentActivateInput:
    """Who is to answer again."""

    id: strawberry.ID = plain("The agent.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Who is to answer no more.")
class AgentDeactivateInput:
    """Who is to answer no more."""

    id: strawberry.ID = plain("The agent.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Which key to issue.")
class ApiKeyCreateInput:
    """Which key to issue."""

    name: str = plain("What it is called, up to 200 characters.")
    scopes: list[Permission] = plain("What it grants; nothing that you lack.")
    agent_id: strawberry.ID | None = optional("Who writes the messages sent with it.")
    expires_at: datetime | None = optional("When it stops working; never if nothing is said.")


@strawberry.input(description="Which key to stop.")
class ApiKeyRevokeInput:
    """Which key to stop."""

    id: strawberry.ID = plain("The key.")


@strawberry.type(description="What came of creating an agent.")
class AgentCreatePayload:
    """The answer."""

    agent: Agent | None = plain("The agent.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of changing an agent.")
class AgentUpdatePayload:
    """The answer."""

    agent: Agent | None = plain("The agent as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of letting an agent answer again.")
class AgentActivatePayload:
    """The answer."""

    agent: Agent | None = plain("The agent as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of stopping an agent.")
class AgentDeactivatePayload:
    """The answer."""

    agent: Agent | None = plain("The agent as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of issuing a key.")
class ApiKeyCreatePayload:
    """The answer."""

    api_key: ApiKey | None = plain("The key.", default=None)
    secret: str | None = plain("What to send as bearer token; never shown again.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of revoking a key.")
class ApiKeyRevokePayload:
    """The answer."""

    api_key: ApiKey | None = plain("The key, revoked.", default=None)
    user_errors: list[UserError] = user_errors()


agent_create = mutation(
    agents.create,
    "Lets a person, a program or a language model answer.",
    takes=AgentCreateInput,
    gives=AgentCreatePayload,
    show=lambda agent: {"agent": agent},
)
agent_update = mutation(
    agents.update,
    "Changes what is said of an agent, and how an agent of type AI answers.",
    takes=AgentUpdateInput,
    gives=AgentUpdatePayload,
    show=lambda agent: {"agent": agent},
)
agent_activate = mutation(
    agents.activate,
    "Lets an agent answer again.",
    takes=AgentActivateInput,
    gives=AgentActivatePayload,
    show=lambda agent: {"agent": agent},
)
agent_deactivate = mutation(
    agents.deactivate,
    "Lets an agent answer no more; past messages keep their author.",
    takes=AgentDeactivateInput,
    gives=AgentDeactivatePayload,
    show=lambda agent: {"agent": agent},
)
api_key_create = mutation(
    api_keys.create,
    "Issues an API key and shows its secret, once.",
    takes=ApiKeyCreateInput,
    gives=ApiKeyCreatePayload,
    show=lambda new: {"api_key": new.api_key, "secret": new.secret},
)
api_key_revoke = mutation(
    api_keys.revoke,
    "Stops an API key from working, for good.",
    takes=ApiKeyRevokeInput,
    gives=ApiKeyRevokePayload,
    show=lambda api_key: {"api_key": api_key},
)
