"""Errors of requests as clients see them: a published code, the request's id, and no word about our insides."""

import traceback
from collections.abc import Iterator

import structlog
from graphql import GraphQLError, GraphQLFormattedError, GraphQLSyntaxError
from strawberry.extensions import SchemaExtension

from domain.errors import DomainError
from persistence.outages import is_outage
from resolvers.errors import RequestError

log = structlog.get_logger()

RETRYABLE = frozenset({"RATE_LIMITED", "IDEMPOTENCY_IN_PROGRESS", "TIMEOUT", "UNAVAILABLE"})
"""The codes of errors that may be gone when the same request comes again."""

_MASKED = {
    "INTERNAL": "Something went wrong on our side; quote the request id when you report it.",
    "TIMEOUT": "The operation took too long; ask for less, or try again.",
    "UNAVAILABLE": "The service cannot answer at the moment; try again shortly.",
}
_QUERY_CANCELED = "57014"


def format_error(error: GraphQLError, *, request_id: str) -> GraphQLFormattedError:
    """Return an error as it goes to the client, for errors that no operation was there to publish."""
    return publish(error, request_id=request_id).formatted


def publish(error: GraphQLError, *, request_id: str) -> GraphQLError:
    """Return the error with its code, the request's id and whether to retry; log it when it is our fault.

    What is published already is returned as it is.
    """
    extensions = dict(error.extensions or {})
    if "requestId" in extensions:
        return error
    cause = _cause(error)
    code = str(extensions.get("code") or _code(error, cause))
    message = error.message
    if code in _MASKED and cause is not None and not isinstance(cause, RequestError):
        message = _MASKED[code]
        # Neither the text of the exception nor its parameters: they may hold what people wrote.
        log.error(
            "graphql.failed",
            code=code,
            request_id=request_id,
            path=error.path,
            error=type(cause).__qualname__,
            stack="".join(traceback.format_tb(cause.__traceback__)),
        )
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions | {"code": code, "requestId": request_id, "retryable": code in RETRYABLE},
    )


def publish_all(errors: list[GraphQLError], *, request_id: str) -> None:
    """Publish errors in place, because strawberry hands the same list on to the client."""
    errors[:] = [publish(error, request_id=request_id) for error in errors]


class NameValidationErrors(SchemaExtension):
    """Names the code of a document that does not fit the schema, unless a rule named a better one."""

    def on_validate(self) -> Iterator[None]:
        """Look at what validation found."""
        yield
        for error in self.execution_context.pre_execution_errors or ():
            error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"} | dict(error.extensions or {})


def _cause(error: GraphQLError) -> BaseException | None:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _code(error: GraphQLError, cause: BaseException | None) -> str:
    if isinstance(cause, RequestError | DomainError):
        return cause.code
    if getattr(getattr(cause, "orig", None), "sqlstate", None) == _QUERY_CANCELED:
        return "TIMEOUT"
    if isinstance(cause, TimeoutError):
        return "TIMEOUT"
    if cause is not None and is_outage(cause):
        return "UNAVAILABLE"
    if cause is not None:
        return "INTERNAL"
    # What graphql-core finds itself while executing: variables and arguments that do not fit their types.
    return "GRAPHQL_PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else "BAD_USER_INPUT"
