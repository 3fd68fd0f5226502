"""Finds out who asks: from an Authorization header, or from what a socket sends first."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import Clock
from domain.identity.api_key import hash_secret
from persistence.credentials import Credential, find_credential
from persistence.database import Database
from services.viewer import Viewer

_KEPT = timedelta(seconds=3)
_KEPT_UNKNOWN = timedelta(seconds=1)
_REMEMBERED = 10_000
_LONGEST_SECRET = 512


@dataclass(frozen=True, slots=True)
class _Answer:
    viewer: Viewer | None
    good_until: datetime


class Authenticator:
    """Turns credentials into viewers.

    An answer is kept for three seconds, so that a revoked key stops working within that time, and a flood of
    requests asks the database once. Only hashes of secrets are kept.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()

    async def viewer(self, authorization: str | None) -> Viewer | None:
        """Return who presents `Bearer <secret>`, or None for anything else or an unusable credential."""
        secret = _bearer(authorization)
        if secret is None:
            return None
        key = hash_secret(secret)
        now = self._clock.now()
        answer = self._answers.get(key)
        if answer is None or answer.good_until <= now:
            answer = await self._ask(key, now)
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return answer.viewer

    async def _ask(self, key: bytes, now: datetime) -> _Answer:
        credential = await find_credential(self._database.system, secret_hash=key, now=now)
        if credential is None:
            return _Answer(None, now + _KEPT_UNKNOWN)
        good_until = now + _KEPT
        if credential.expires_at is not None:
            good_until = min(good_until, credential.expires_at)
        return _Answer(_viewer(credential), good_until)


def authorization_in(parameters: object) -> str | None:
    """Return the `authorization` of a `connection_init` payload, whatever the case of its name."""
    if not isinstance(parameters, Mapping):
        return None
    for name, value in parameters.items():
        if str(name).lower() == "authorization" and isinstance(value, str):
            return value
    return None


def _bearer(authorization: str | None) -> str | None:
    scheme, _, secret = (authorization or "").strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret or len(secret) > _LONGEST_SECRET or not secret.isascii():
        return None
    return secret


def _viewer(credential: Credential) -> Viewer:
    return Viewer(
        id=credential.api_key_id,
        name=credential.name,
        tenant_id=credential.tenant_id,
        project_id=credential.project_id,
        permissions=credential.scopes,
        agent_id=credential.agent_id,
    )
