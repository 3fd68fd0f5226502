"""Calls to one WAHA server, and what their failures mean."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2
import msgspec

from integrations.errors import Ambiguous, IntegrationError, Rejected, Unavailable
from integrations.waha.fields import MalformedPayload, Node, as_number, child, items, member, parse, text

QUICK, LISTING, MEDIA = 30.0, 90.0, 180.0
"""Seconds to wait for an answer: simple calls and texts; lists, which WAHA may have to build; sent files,
which WAHA downloads, converts and uploads first."""

_CONNECT_SECONDS, _WRITE_SECONDS = 5.0, 60.0
_BACKOFF = (0.25, 1.0)
_REASON_LIMIT = 200
_TOO_MANY, _UNPROCESSABLE = 429, 422
_NOT_TAKEN = {408, 425}
_REFUSED_BY_WHATSAPP = re.compile(r"server returned error (\d{3})")
_RATE_LIMITED_SECONDS = 60.0
_STATUS_CODES = {
    400: "INVALID_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    413: "TOO_LARGE",
    422: "UNPROCESSABLE",
    501: "NOT_IMPLEMENTED",
}
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_MISCONFIGURED = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.InvalidURL, UnicodeError)


@dataclass(frozen=True, kw_only=True)
class Transport:
    """One WAHA server over a shared client. `base_url` comes from an operator; redirects are never followed."""

    base_url: str
    api_key: str | None = field(repr=False)
    http: httpx2.AsyncClient = field(repr=False)
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)

    async def get(
        self, path: str, *, query: Mapping[str, str | int] | None = None, seconds: float = QUICK
    ) -> object:
        """Return the JSON of a GET, which is repeated twice while the server is unavailable."""
        for pause in _BACKOFF:
            try:
                return await self._get(path, query=query, seconds=seconds)
            except Unavailable as problem:
                if problem.retry_after is not None:
                    raise
                await self.sleep(pause)
        return await self._get(path, query=query, seconds=seconds)

    async def find(
        self, path: str, *, query: Mapping[str, str | int] | None = None, seconds: float = QUICK
    ) -> object:
        """Return the JSON of a GET, or None when there is no such thing."""
        try:
            return await self.get(path, query=query, seconds=seconds)
        except Rejected as problem:
            if problem.code != _STATUS_CODES[404]:
                raise
            return None

    async def command(
        self, method: str, path: str, body: Node | None = None, *, seconds: float = QUICK
    ) -> object:
        """Return the JSON of a call that changes something, once; None for an empty answer.

        Raises `Rejected` or `Unavailable` when it certainly had no effect, else `Ambiguous`.
        """
        response = await self._request(method, path, seconds=seconds, body=body, is_safe=False)
        try:
            return parse(response.content) if response.content.strip() else None
        except MalformedPayload as problem:
            raise Ambiguous("WAHA answered with something other than JSON.", code="BAD_ANSWER") from problem

    def headers_for(self, url: str) -> dict[str, str]:
        """Return the API key as headers, for addresses of this server only."""
        same = origin_of(url) == origin_of(self.base_url)
        return {"X-Api-Key": self.api_key} if same and self.api_key else {}

    async def _get(self, path: str, *, query: Mapping[str, str | int] | None, seconds: float) -> object:
        response = await self._request("GET", path, seconds=seconds, query=query, is_safe=True)
        try:
            return parse(response.content) if response.content.strip() else None
        except MalformedPayload as problem:
            raise Unavailable("WAHA answered with something other than JSON.", code="BAD_ANSWER") from problem

    async def _request(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        is_safe: bool,
        query: Mapping[str, str | int] | None = None,
        body: Node | None = None,
    ) -> httpx2.Response:
        url = self.base_url.rstrip("/") + path
        headers = {"Accept": "application/json", **self.headers_for(url)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            response = await self.http.request(
                method,
                url,
                params=query,
                content=None if body is None else msgspec.json.encode(body),
                headers=headers,
                timeout=timeouts(seconds),
                follow_redirects=False,
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as problem:
            raise failure_of(problem, is_safe=is_safe) from problem
        if response.is_success:
            return response
        raise refusal_of(response.status_code, response.content, response.headers, is_safe=is_safe)


def timeouts(seconds: float) -> httpx2.Timeout:
    """Return the limits of a call that may take this long to answer."""
    return httpx2.Timeout(
        connect=_CONNECT_SECONDS, read=seconds, write=max(seconds, _WRITE_SECONDS), pool=_CONNECT_SECONDS
    )


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of an address; an address that cannot be one has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None
    return parts.scheme, parts.hostname, port


def failure_of(problem: Exception, *, is_safe: bool) -> IntegrationError:
    """Return what a failed exchange means; `is_safe` says that the call changes nothing."""
    kind = type(problem).__name__
    if isinstance(problem, _MISCONFIGURED):
        return Rejected(f"The call to the WAHA server cannot be written ({kind}).", code="BAD_ADDRESS")
    if isinstance(problem, _NOT_SENT):
        return Unavailable(f"The WAHA server cannot be reached ({kind}).", code="UNREACHABLE")
    if is_safe:
        return Unavailable(f"The WAHA server did not answer ({kind}).", code="NO_ANSWER")
    return Ambiguous(f"The WAHA server took the call and did not answer ({kind}).", code="NO_ANSWER")


def refusal_of(status: int, content: bytes, headers: Mapping[str, str], *, is_safe: bool) -> IntegrationError:
    """Return what an answer other than 2xx means."""
    body = _object(content)
    reason = _reason(body) or f"WAHA answered {status}."
    if status == _TOO_MANY:
        return Unavailable(reason, code="RATE_LIMITED", retry_after=_retry_after(headers))
    if status in _NOT_TAKEN:
        return Unavailable(reason, code=f"HTTP_{status}", retry_after=_retry_after(headers))
    if status == _UNPROCESSABLE and text(body, "status") == "STARTING":
        return Unavailable(reason, code="SESSION_STARTING")
    if status == _UNPROCESSABLE and text(body, "status") is not None and items(body, "expected"):
        return Rejected(f"The WAHA session is {text(body, 'status')}.", code="SESSION_NOT_READY")
    if status < 500 or status == 501:  # noqa: PLR2004 The classes of HTTP statuses.
        return Rejected(reason, code=_STATUS_CODES.get(status, f"HTTP_{status}"))
    if status == 500:  # noqa: PLR2004
        known = _engine_refusal(reason)
        if known is not None:
            return known
    if is_safe or status == 503:  # noqa: PLR2004 A server that says so did not take the call.
        return Unavailable(reason, code=f"HTTP_{status}", retry_after=_retry_after(headers))
    return Ambiguous(reason, code=f"HTTP_{status}")


def _engine_refusal(reason: str) -> IntegrationError | None:
    if "rate-overlimit" in reason:
        return Unavailable(reason, code="RATE_LIMITED", retry_after=_RATE_LIMITED_SECONDS)
    refused = _REFUSED_BY_WHATSAPP.search(reason)
    if refused is None:
        return None
    code = refused[1]
    if code == "463":
        return Rejected("WhatsApp lets this number open no new chats for now (463).", code=code)
    if code == "429":
        return Unavailable(reason, code="RATE_LIMITED", retry_after=_RATE_LIMITED_SECONDS)
    return Rejected(f"WhatsApp refused the message ({code}).", code=code) if code[0] == "4" else None


def _object(content: bytes) -> Node:
    try:
        value = parse(content)
    except MalformedPayload:
        return {}
    return value if isinstance(value, dict) else {}


def _reason(body: Node) -> str | None:
    said = member(body, "message")
    if isinstance(said, list):
        said = "; ".join(one for one in said if isinstance(one, str))
    found = (
        text(child(body, "exception"), "message"),
        said if isinstance(said, str) else None,
        text(child(body, "error"), "message"),
        text(body, "error"),
    )
    reason = next((one for one in found if one), None)
    return None if reason is None else reason[:_REASON_LIMIT]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = as_number(headers.get("Retry-After"))
    return None if seconds is None or seconds < 0 else float(seconds)
