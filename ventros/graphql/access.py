"""Who may speak, for how long, and under which id a request is found again in the logs."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers
from strawberry.http.websocket_origin import is_same_origin, normalize_allowed_origins, normalize_origin

from domain.ids import new_id, type_id
from persistence.outages import heed_cancellation, is_outage
from ventros.auth import Authenticator

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}")

BASE_HEADERS: Mapping[str, str] = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""On every answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long, in seconds, we wait for a client and trust what we know of it."""

    introduction: float = 10.0
    """For a socket's first message."""
    sending: float = 10.0
    """For a client to take what we send."""
    trust: float = 5.0
    """Between two looks at whether a credential is still valid."""
    silence: float = 15.0
    """Before a stream shows that it is alive."""


PATIENCE = Patience()
"""Ours, except in tests."""


def request_id(headers: Headers) -> str:
    """Return the request's id: the caller's `X-Request-Id` if it is plain and short, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else type_id("req", new_id())


@dataclass(frozen=True)
class Origins:
    """Which pages may open a socket: our own, and those that are allowed. Programs send no origin."""

    allowed: frozenset[str]

    @classmethod
    def of(cls, origins: tuple[str, ...]) -> "Origins":
        """Raises ValueError for what is no origin."""
        return cls(normalize_allowed_origins(origins))

    def permit(self, headers: Headers) -> bool:
        """Whether a handshake with these headers may go on."""
        origin = headers.get("origin")
        if origin is None or is_same_origin(origin, headers.get("host")):
            return True
        return "*" in self.allowed or normalize_origin(origin) in self.allowed


async def revoked(authenticator: Authenticator, authorization: str | None, *, patience: Patience) -> None:
    """Return when the credential has stopped to be valid."""
    while True:
        await asyncio.sleep(patience.trust)
        try:
            if await authenticator.viewer(authorization) is None:
                return
        except Exception as error:
            heed_cancellation()
            if not is_outage(error):
                raise
            # Who was let in before an outage stays; nothing can be read through it anyway.
            log.warning("access.unchecked", error=type(error).__name__)
