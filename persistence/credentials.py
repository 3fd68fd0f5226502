"""Finding the credential behind a secret, before any tenant is known."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from domain.identity.permission import Permission
from domain.ids import AgentId, ApiKeyId, ProjectId, TenantId


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What an API key grants; `expires_at` None means never."""

    api_key_id: ApiKeyId
    name: str
    tenant_id: TenantId
    project_id: ProjectId
    agent_id: AgentId | None
    scopes: frozenset[Permission]
    expires_at: datetime | None


async def find_credential(
    system: "asyncpg.Pool[asyncpg.Record]", *, secret_hash: bytes, now: datetime
) -> Credential | None:
    """Return the usable credential with that hash, or None if it is unknown, revoked or expired."""
    row = await system.fetchrow(
        """
        SELECT id, name, tenant_id, project_id, agent_id, scopes, expires_at FROM api_keys
        WHERE secret_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
        """,
        secret_hash,
        now,
    )
    if row is None:
        return None
    return Credential(
        api_key_id=row["id"],
        name=row["name"],
        tenant_id=row["tenant_id"],
        project_id=row["project_id"],
        agent_id=row["agent_id"],
        scopes=msgspec.json.decode(row["scopes"], type=frozenset[Permission]),
        expires_at=row["expires_at"],
    )
