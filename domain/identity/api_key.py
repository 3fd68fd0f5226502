"""An API key: a secret that lets a program act in one project, with scopes and an end."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.base import Aggregate, Event
from domain.errors import InvalidState, Required, require_text
from domain.identity.permission import Permission
from domain.ids import AgentId, ApiKeyId, ProjectId, TenantId, new_id

NAME_LIMIT = 200
SECRET_PREFIX = "vk_"  # noqa: S105 A published prefix, by which scanners find leaked keys.
_SECRET_BYTES, _SHOWN_CHARACTERS = 32, 8


class ApiKeyCreated(Event, name="api_key.created"):
    """A key was issued."""

    api_key_id: ApiKeyId


class ApiKeyRevoked(Event, name="api_key.revoked"):
    """A key stopped working."""

    api_key_id: ApiKeyId


@dataclass(eq=False, kw_only=True)
class ApiKey(Aggregate):
    """A credential of a program. Only the SHA-256 of the secret is kept; the secret has 256 random bits.

    `hint` is the beginning of the secret, to tell keys apart. Messages sent with the key are written by `agent_id`.
    """

    kind: ClassVar[str] = "api_key"
    id: ApiKeyId
    tenant_id: TenantId
    project_id: ProjectId
    agent_id: AgentId | None = None
    name: str
    hint: str
    secret_hash: bytes
    scopes: tuple[Permission, ...]
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def issue(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        agent_id: AgentId | None,
        name: str,
        scopes: Iterable[Permission],
        expires_at: datetime | None,
        at: datetime,
    ) -> tuple["ApiKey", str]:
        """Return a new key and its secret, which is never shown again."""
        granted = tuple(sorted(set(scopes), key=lambda permission: permission.value))
        if not granted:
            raise Required("A key needs at least one scope.", field=["scopes"])
        if expires_at is not None and expires_at <= at:
            raise InvalidState("expiresAt lies in the past.", field=["expiresAt"])
        secret = SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        key = cls(
            id=ApiKeyId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            agent_id=agent_id,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            hint=secret[: len(SECRET_PREFIX) + _SHOWN_CHARACTERS],
            secret_hash=hash_secret(secret),
            scopes=granted,
            expires_at=expires_at,
            created_at=at,
            updated_at=at,
        )
        key.record(ApiKeyCreated(api_key_id=key.id), at=at)
        return key, secret

    def is_usable(self, now: datetime) -> bool:
        """Whether the key opens anything at that time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def revoke(self, *, at: datetime) -> None:
        """Stop the key from working; a second revocation changes nothing."""
        if self.revoked_at is None:
            self.revoked_at = at
            self.record(ApiKeyRevoked(api_key_id=self.id), at=at)


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a secret. A plain hash suffices, because the secret is random and long."""
    return hashlib.sha256(secret.encode()).digest()
