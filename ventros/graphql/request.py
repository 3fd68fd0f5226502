"""Reads an operation from an HTTP request, and refuses what is none before it costs anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request

BODY_LIMIT = 1024 * 1024
_NO_ENCODING = frozenset({"", "identity"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """What a client asks for, not yet parsed."""

    query: str
    variables: dict[str, Any] | None = None  # Any: JSON that the schema is to check.
    operation_name: str | None = None


@dataclass(eq=False, kw_only=True)
class Refused(Exception):
    """A request that gets an answer without being executed. `message` says what to change."""

    status: HTTPStatus
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


def check_media_type(headers: Headers) -> None:
    """Raise `Refused` unless the body is plain JSON in UTF-8."""
    media_type, _, parameters = headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise Refused(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            code="BAD_USER_INPUT",
            message="Send the operation as JSON, with Content-Type: application/json.",
        )
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in {"utf-8", "utf8"}:
            raise Refused(
                status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                code="BAD_USER_INPUT",
                message="JSON is always UTF-8 (RFC 8259); leave the charset out.",
            )
    if headers.get("content-encoding", "").strip().lower() not in _NO_ENCODING:
        raise Refused(
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            code="BAD_USER_INPUT",
            message="Send the body without a content encoding.",
        )


async def read_body(request: Request) -> bytes:
    """Return the body. Raises `Refused` as soon as it grows beyond 1 MiB."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _too_large()
    return bytes(body)


def parse_body(body: bytes) -> Operation:
    """Return the operation of a POST request. Raises `Refused`."""
    sent = _json(body, "The body")
    if isinstance(sent, list):
        raise _malformed("Send one operation at a time; batches are not supported.")
    if not isinstance(sent, dict):
        raise _malformed("The body must be a JSON object with a query.")
    return _operation(sent)


def parse_parameters(parameters: QueryParams) -> Operation:
    """Return the operation of a GET request. Raises `Refused`."""
    sent: dict[str, object] = {}
    for name in ("query", "variables", "operationName", "extensions"):
        values = parameters.getlist(name)
        if len(values) > 1:
            raise _malformed(f"The parameter {name} is given more than once.")
        # An empty parameter is what a form sends for one that was left out.
        if values and values[0]:
            is_json = name in {"variables", "extensions"}
            sent[name] = _json(values[0].encode(), f"The parameter {name}") if is_json else values[0]
    return _operation(sent)


def _operation(sent: dict[str, object]) -> Operation:
    query, variables = sent.get("query"), sent.get("variables")
    name, extensions = sent.get("operationName"), sent.get("extensions")
    if not isinstance(query, str) or not query.strip():
        raise _malformed("query must be a text that holds the operation.")
    if variables is not None and not isinstance(variables, dict):
        raise _malformed("variables must be an object, or left out.")
    if name is not None and not isinstance(name, str):
        raise _malformed("operationName must be a text, or left out.")
    if extensions is not None and not isinstance(extensions, dict):
        raise _malformed("extensions must be an object, or left out.")
    return Operation(query=query, variables=variables, operation_name=name or None)


def _json(text: bytes, what: str) -> object:
    try:
        decoded: object = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        raise _malformed(f"{what} is not valid JSON in UTF-8, or nested too deeply.") from None
    return decoded


def _malformed(message: str) -> Refused:
    return Refused(status=HTTPStatus.BAD_REQUEST, code="BAD_USER_INPUT", message=message)


def _too_large() -> Refused:
    return Refused(
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        code="BAD_USER_INPUT",
        message=f"The body is larger than {BODY_LIMIT:,} bytes.",
        headers={"connection": "close"},
    )
