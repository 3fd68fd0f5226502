"""Calls to one OpenAI-compatible provider, and what their failures mean.

Neither the key nor what is asked ever gets into an error: providers quote both, so of their explanations only
the short words under `code` and `type` are passed on, and exceptions are not chained.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import IO

import httpx2
import msgspec

from domain.clock import Clock, SystemClock
from integrations.ai.breaker import Breaker
from integrations.ai.limits import Places
from integrations.errors import IntegrationError, Malformed, Rejected, Unavailable
from integrations.waha.fields import MalformedPayload, Node, as_number, child, decode, text

ANSWER_LIMIT = 8 * 1024 * 1024
"""The largest answer that is read, in bytes."""

_CONNECT_SECONDS = 5.0
_LONGEST_WAIT = 24 * 3600.0
_REFUSAL_LIMIT = 64 * 1024
_WORD = re.compile(r"[a-z][a-z_]{2,47}")
_TOO_MANY = 429
_LATER = {408: "HTTP_408", 409: "HTTP_409", 425: "HTTP_425", _TOO_MANY: "RATE_LIMITED"}
_STATUS_CODES = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    402: "PAYMENT_REQUIRED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    413: "TOO_LARGE",
    415: "UNSUPPORTED",
    422: "UNPROCESSABLE",
    501: "NOT_IMPLEMENTED",
}
_WORDS = {
    "context_length_exceeded": "CONTEXT_TOO_LONG",
    "content_filter": "FILTERED",
    "content_policy_violation": "FILTERED",
    "insufficient_quota": "QUOTA_EXHAUSTED",
    "model_not_found": "NOT_FOUND",
}
_UNREACHABLE = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_MISCONFIGURED = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL, UnicodeError)

FileField = tuple[str, IO[bytes], str]
"""A file of a form: its name, where it is read from, its MIME type."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider over a shared client. `base_url` comes from the operator and is never redirected."""

    base_url: str
    key: str | None = field(repr=False)
    http: httpx2.AsyncClient = field(repr=False)
    breaker: Breaker = field(default_factory=Breaker, repr=False)
    places: Places = field(default_factory=lambda: Places(8), repr=False)
    clock: Clock = field(default_factory=SystemClock, repr=False)

    async def get(self, path: str, *, seconds: float) -> Node:
        """Return the object that a GET answers."""
        return await self._call("GET", path, seconds=seconds)

    async def post(self, path: str, body: Node, *, seconds: float) -> Node:
        """Return the object that is answered to JSON."""
        try:
            content = msgspec.json.encode(body)
        except (TypeError, ValueError, RecursionError) as problem:
            # What cannot be encoded is a part of the question, so nothing of it is repeated here.
            raise Rejected(
                f"The question cannot be written as JSON ({type(problem).__name__}).", code="INVALID_REQUEST"
            ) from None
        return await self._call("POST", path, seconds=seconds, content=content)

    async def post_form(
        self, path: str, fields: Mapping[str, str], *, file: FileField, seconds: float
    ) -> Node:
        """Return the object that is answered to a form with one file, which is read as it is sent."""
        return await self._call("POST", path, seconds=seconds, fields=fields, file=file)

    async def models(self, *, seconds: float = 10.0) -> tuple[str, ...]:
        """Return the names of the provider's models."""
        answer = await self.get("/models", seconds=seconds)
        entries = answer.get("data")
        if not isinstance(entries, list):
            raise Malformed("The AI provider's list of models has no `data`.", code="NO_MODELS")
        return tuple(name for one in entries if (name := text(one, "id")) is not None)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        content: bytes | None = None,
        fields: Mapping[str, str] | None = None,
        file: FileField | None = None,
    ) -> Node:
        self.breaker.check()
        deadline = asyncio.get_running_loop().time() + seconds
        async with self.places.taken(at_most=seconds), self._watched():
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._exchange(method, path, content=content, fields=fields, file=file)
            except TimeoutError:
                raise Unavailable(f"The AI provider took over {seconds:g} s.", code="TIMEOUT") from None
            except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as problem:
                raise _failure_of(problem) from None

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Let a call pass the breaker, and tell it how the call ended; one that was given up says nothing."""
        era = self.breaker.enter()
        is_well: bool | None = None
        try:
            yield
            is_well = True
        except IntegrationError as problem:
            is_well = isinstance(problem, Rejected)
            raise
        finally:
            self.breaker.leave(era, is_well=is_well)

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None,
        fields: Mapping[str, str] | None,
        file: FileField | None,
    ) -> Node:
        # Compressed answers could unfold to any size between two looks at it.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        if content is not None:
            headers["Content-Type"] = "application/json"
        async with self.http.stream(
            method,
            self.base_url.rstrip("/") + path,
            content=content,
            data=None if fields is None else dict(fields),
            files=None if file is None else {"file": file},
            headers=headers,
            timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
            follow_redirects=False,
        ) as response:
            if not response.is_success:
                body = await _read(response, _REFUSAL_LIMIT)
                raise refusal_of(response.status_code, body or b"", response.headers, now=self.clock.now())
            body = await _read(response, ANSWER_LIMIT)
        if body is None:
            raise Malformed(f"The AI provider's answer is over {ANSWER_LIMIT} bytes.", code="TOO_LARGE")
        try:
            return decode(body)
        except MalformedPayload:
            raise Malformed("The AI provider's answer is no JSON object.", code="NOT_JSON") from None


def refusal_of(status: int, content: bytes, headers: Mapping[str, str], *, now: datetime) -> IntegrationError:
    """Return what an answer other than 2xx means."""
    words = _words(content)
    known = next((_WORDS[one] for one in words if one in _WORDS), None)
    said = f" ({', '.join(words)})" if words else ""
    reason = f"The AI provider answered {status}{said}."
    if status in _LATER or (status >= 500 and status != 501):  # noqa: PLR2004 The classes of HTTP statuses.
        code = known or _LATER.get(status, f"HTTP_{status}")
        return Unavailable(reason, code=code, retry_after=retry_after(headers, now=now))
    if 300 <= status < 400:  # noqa: PLR2004
        reason = f"The AI provider redirects ({status}); VENTROS_AI_URL must be its final address."
        return Rejected(reason, code="REDIRECTED")
    return Rejected(reason, code=known or _STATUS_CODES.get(status, f"HTTP_{status}"))


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds to wait that a Retry-After header asks for, at most a day (RFC 9110, 10.2.3)."""
    value = (headers.get("Retry-After") or "").strip()
    seconds = as_number(value)
    if seconds is None and value:
        try:
            at = parsedate_to_datetime(value)
            wait = (at if at.tzinfo else at.replace(tzinfo=now.tzinfo)) - now
            seconds = max(wait.total_seconds(), 0.0)
        except (ValueError, OverflowError):
            return None
    return None if seconds is None or seconds < 0 else min(float(seconds), _LONGEST_WAIT)


async def _read(response: httpx2.Response, limit: int) -> bytes | None:
    """Return the body, or None when it is over the limit."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _words(content: bytes) -> list[str]:
    """Return the short words by which an OpenAI-compatible provider names its refusal."""
    try:
        error = child(decode(content), "error")
    except MalformedPayload:
        return []
    found = (text(error, "code"), text(error, "type"))
    return [one for one in dict.fromkeys(found) if one is not None and _WORD.fullmatch(one)]


def _failure_of(problem: Exception) -> IntegrationError:
    """Return what a failed exchange means."""
    kind = type(problem).__name__
    if isinstance(problem, _MISCONFIGURED):
        return Rejected(
            f"The call to the AI provider cannot be written ({kind}); see VENTROS_AI_URL and VENTROS_AI_KEY.",
            code="BAD_ADDRESS",
        )
    if isinstance(problem, _UNREACHABLE):
        return Unavailable(f"The AI provider cannot be reached ({kind}).", code="UNREACHABLE")
    return Unavailable(f"The AI provider did not answer to the end ({kind}).", code="NO_ANSWER")
