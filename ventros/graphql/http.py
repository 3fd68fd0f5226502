"""GraphQL over HTTP: POST for everything, GET for queries, a page for browsers, a stream for subscriptions."""

from collections.abc import Mapping
from http import HTTPStatus

import strawberry
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType as Kind

from persistence.outages import is_outage
from resolvers.context import Context, Installation, Progress
from schema.errors import format_error
from schema.limits import MAX_TOKENS
from services.viewer import Viewer
from ventros.auth import Authenticator
from ventros.graphql.access import BASE_HEADERS, request_id
from ventros.graphql.answer import (
    JSON,
    Preference,
    preference,
    respond,
    respond_with,
    wants_page,
)
from ventros.graphql.page import page
from ventros.graphql.request import (
    Operation,
    Refused,
    check_media_type,
    parse_body,
    parse_parameters,
    read_body,
)
from ventros.graphql.stream import EventStreams

_METHODS = "GET, POST"


class HttpEndpoint:
    """`/graphql` for everything but sockets. The cheap checks come first; nobody unknown is read from."""

    def __init__(
        self,
        schema: strawberry.Schema,
        installation: Installation,
        *,
        authenticator: Authenticator,
        streams: EventStreams,
    ) -> None:
        self._schema = schema
        self._installation = installation
        self._authenticator = authenticator
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        id_ = request_id(request.headers)
        headers = {**BASE_HEADERS, "x-request-id": id_}
        wish = preference(request.headers.get("accept"))
        try:
            response = await self._answer(request, wish, id_=id_, headers=headers)
        except Refused as refusal:
            response = _refusal(refusal, wish.json or JSON, id_=id_, headers=headers)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(
        self, request: Request, wish: Preference, *, id_: str, headers: Mapping[str, str]
    ) -> Response:
        authorization = request.headers.get("authorization")
        if request.method not in {"GET", "POST"}:
            raise _not_allowed("Use POST, or GET for queries.", allow=_METHODS)
        if request.method == "GET" and authorization is None and wants_page(request.headers.get("accept")):
            return page(headers)
        if request.method == "POST":
            check_media_type(request.headers)
        if wish.json is None and not wish.stream:
            raise Refused(
                status=HTTPStatus.NOT_ACCEPTABLE,
                code="BAD_USER_INPUT",
                message="Accept application/graphql-response+json, application/json or text/event-stream.",
            )
        viewer = await self._authenticate(authorization)
        if request.method == "POST":
            operation = parse_body(await read_body(request))
        else:
            operation = parse_parameters(request.query_params)
        context = Context(self._installation, viewer=viewer, correlation_id=id_)
        if request.method == "POST" and (wish.only_stream or (wish.stream and _is_subscription(operation))):
            context.progress = Progress(resume_after=request.headers.get("last-event-id"))
            return self._streams.respond(operation, context, authorization=authorization, headers=headers)
        result = await self._execute(operation, context, method=request.method)
        return respond(result, media_type=wish.json or JSON, headers=headers)

    async def _authenticate(self, authorization: str | None) -> Viewer:
        try:
            viewer = await self._authenticator.viewer(authorization)
        except Exception as error:
            if not is_outage(error):
                raise
            raise Refused(
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                code="UNAVAILABLE",
                message="The service cannot answer at the moment; try again shortly.",
            ) from error
        if viewer is None:
            raise Refused(
                status=HTTPStatus.UNAUTHORIZED,
                code="UNAUTHENTICATED",
                message="Send a valid API key: Authorization: Bearer <key>.",
                headers={"www-authenticate": 'Bearer realm="ventros"'},
            )
        return viewer

    async def _execute(self, operation: Operation, context: Context, *, method: str) -> ExecutionResult:
        allowed = {Kind.QUERY} if method == "GET" else {Kind.QUERY, Kind.MUTATION}
        try:
            return await self._schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=allowed,
            )
        except CannotGetOperationTypeError:
            raise Refused(
                status=HTTPStatus.BAD_REQUEST,
                code="BAD_USER_INPUT",
                message="The document has no operation, or none of the name in operationName.",
            ) from None
        except InvalidOperationTypeError:
            if method == "GET":
                raise _not_allowed("GET answers queries only; use POST.", allow="POST") from None
            raise Refused(
                status=HTTPStatus.BAD_REQUEST,
                code="BAD_USER_INPUT",
                message="Subscriptions need a WebSocket (graphql-transport-ws) or Accept: text/event-stream.",
            ) from None


def _is_subscription(operation: Operation) -> bool:
    try:
        document = parse(operation.query, max_tokens=MAX_TOKENS)
    except GraphQLError:
        return False
    return any(
        isinstance(one, OperationDefinitionNode)
        and one.operation is OperationType.SUBSCRIPTION
        and (operation.operation_name is None or (one.name and one.name.value == operation.operation_name))
        for one in document.definitions
    )


def _not_allowed(message: str, *, allow: str) -> Refused:
    return Refused(
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        code="BAD_USER_INPUT",
        message=message,
        headers={"allow": allow},
    )


def _refusal(refusal: Refused, media_type: str, *, id_: str, headers: Mapping[str, str]) -> Response:
    error = GraphQLError(refusal.message, extensions={"code": refusal.code})
    return respond_with(
        {"errors": [format_error(error, request_id=id_)]},
        status=refusal.status,
        media_type=media_type,
        headers={**headers, **refusal.headers},
    )
