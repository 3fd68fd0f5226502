"""API keys as published; their secrets never are, except once, to whoever makes them."""

from datetime import datetime

import strawberry

from domain.identity import api_key as domain
from domain.identity.permission import Permission
from domain.ids import ApiKeyId
from resolvers.identity import api_keys as resolve
from schema.fields import edge, plain, represents
from schema.identity.agent import Agent
from schema.relay import Node, id_of


@strawberry.type(description="A credential of a program, which acts in one project.")
@represents(domain.ApiKey)
class ApiKey(Node):
    """An API key."""

    id: strawberry.ID = id_of(ApiKeyId)
    name: str = plain("What it is called.")
    hint: str = plain("The beginning of the secret, to tell keys apart.")
    scopes: list[Permission] = plain("What it grants.")
    agent: Agent | None = edge(resolve.agent, "Who writes the messages sent with it.")
    expires_at: datetime | None = plain("When it stops working; null if never.")
    revoked_at: datetime | None = plain("When somebody revoked it.")
    created_at: datetime = plain("When it was issued.")
