"""Writes answers in the media type the client prefers, with the status that belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response
from strawberry.types import ExecutionResult, StreamExecutionResult
from strawberry.types.execution import PreExecutionError

RESPONSE_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"

_STATUS = {
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "FORBIDDEN": HTTPStatus.FORBIDDEN,
    "RATE_LIMITED": HTTPStatus.TOO_MANY_REQUESTS,
    "TIMEOUT": HTTPStatus.SERVICE_UNAVAILABLE,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "INTERNAL": HTTPStatus.INTERNAL_SERVER_ERROR,
}
_GRAPHQL = frozenset(
    {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "QUERY_TOO_DEEP", "QUERY_TOO_COSTLY"}
)

# Any, in this module: JSON as GraphQL's results have it.
_encoder = msgspec.json.Encoder(enc_hook=str)


@dataclass(frozen=True, slots=True)
class Preference:
    """What a client accepts: the kind of JSON, if any, and whether a stream of events, or nothing but one."""

    json: str | None
    stream: bool
    only_stream: bool


def preference(accept: str | None) -> Preference:
    """Read an Accept header (RFC 9110, section 12.5.1). A missing one, and wildcards, mean plain JSON."""
    ranges = [_range(one) for one in (accept or "*/*").split(",") if one.strip()]
    plain, response = _quality(JSON, ranges), _quality(RESPONSE_JSON, ranges)
    stream = max((quality for found, quality in ranges if found == EVENT_STREAM), default=0.0)
    json = None
    if max(plain, response) > 0:
        named = any(found == RESPONSE_JSON for found, _ in ranges)
        json = RESPONSE_JSON if response > plain or (response == plain and named) else JSON
    return Preference(json, stream > 0, stream > max(plain, response))


def wants_page(accept: str | None) -> bool:
    """Whether a browser asks for something to look at."""
    ranges = [_range(one) for one in (accept or "").split(",")]
    return max((quality for found, quality in ranges if found == HTML), default=0.0) > 0


def encode(payload: Mapping[str, Any]) -> bytes:
    """Return the JSON of a result."""
    return _encoder.encode(payload)


def payload(result: StreamExecutionResult) -> dict[str, Any]:
    """Return a result as it goes to the client; a request that was not executed has no `data`."""
    if not isinstance(result, ExecutionResult):
        raise TypeError("Incremental delivery is off, yet an increment came.")
    written: dict[str, Any] = {}
    if result.errors:
        written["errors"] = [error.formatted for error in result.errors]
    if not is_request_error(result):
        written["data"] = result.data
    if result.extensions:
        written["extensions"] = result.extensions
    return written


def is_request_error(result: ExecutionResult) -> bool:
    """Whether the request was refused as a whole, as opposed to fields that failed."""
    return result.data is None and bool(result.errors) and all(not one.path for one in result.errors or ())


def respond(result: ExecutionResult, *, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return a result as a response."""
    status = HTTPStatus.OK
    if is_request_error(result):
        status = _status_of(result, media_type)
    return respond_with(payload(result), status=status, media_type=media_type, headers=headers)


def respond_with(
    body: Mapping[str, Any], *, status: HTTPStatus, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Return JSON as a response."""
    extra = {"retry-after": "1"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(
        encode(body),
        status_code=status,
        headers={**headers, **extra, "content-type": f"{media_type}; charset=utf-8"},
    )


def _status_of(result: ExecutionResult, media_type: str) -> HTTPStatus:
    code = str(((result.errors or [])[0].extensions or {}).get("code"))
    is_graphql = code in _GRAPHQL or (code == "BAD_USER_INPUT" and not isinstance(result, PreExecutionError))
    if media_type == JSON and is_graphql:
        # Clients of this older media type take another status for a failure of the network.
        return HTTPStatus.OK
    return _STATUS.get(code, HTTPStatus.BAD_REQUEST)


def _range(text: str) -> tuple[str, float]:
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return media_type, quality


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    family = media_type.partition("/")[0] + "/*"
    for pattern in (media_type, family, "*/*"):
        for found, quality in ranges:
            if found == pattern:
                return quality
    return 0.0
