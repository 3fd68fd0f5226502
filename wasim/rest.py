"""What every REST call shares: the key, reading the request, answering, faults."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from wasim.errors import (
    ApiError,
    bad_json,
    bad_request,
    engine_failure,
    session_not_running,
    unauthorized,
    unprocessable,
    wrong_status,
)
from wasim.errors import not_found as missing
from wasim.faults import Operation, RestFault
from wasim.message import Message
from wasim.people import Chat
from wasim.session import Session
from wasim.simulator import Simulator
from wasim.webhooks import environment
from wasim.wire import Body, Wire, decode, encode

Handler: TypeAlias = Callable[[Simulator, Request], Awaitable[Response]]
T = TypeVar("T", bound=Wire)


class Call(NamedTuple):
    """One REST call the simulator answers."""

    method: str
    path: str
    handler: Handler
    operation: Operation


def answer(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(encode(body), status_code=status, media_type="application/json")


def created(body: object) -> Response:
    """What NestJS answers to a POST."""
    return answer(body, 201)


def empty(status: int = 201) -> Response:
    """An answer without body, as typing and seen give."""
    return Response(status_code=status)


async def read(request: Request, type_: type[T]) -> T:
    """The request's body. Raises `ApiError` 400 for anything else."""
    raw = await request.body()
    try:
        return decode(raw, type_)
    except msgspec.ValidationError as error:
        raise bad_request(str(error)) from error
    except msgspec.DecodeError as error:
        raise bad_json(str(error)) from error


def number(request: Request, name: str, default: int) -> int:
    """A whole number of the query. Raises `ApiError` 400 for anything else."""
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    try:
        return int(text)
    except ValueError as error:
        raise bad_request(f"{name} must be a number conforming to the specified constraints") from error


def flag(request: Request, name: str, *, default: bool) -> bool:
    """A boolean of the query."""
    text = request.query_params.get(name)
    return default if text is None else text.lower() in ("true", "1", "yes")


def page(request: Request, items: list[Body], *, limit: int | None = None) -> list[Body]:
    """The part of a list that `limit` and `offset` ask for."""
    offset = number(request, "offset", 0)
    size = number(request, "limit", len(items) if limit is None else limit)
    return items[offset : offset + size]


def find_session(sim: Simulator, name: str) -> Session:
    """A session that exists. Raises `ApiError` 404."""
    session = sim.sessions.get(name)
    if session is None:
        raise missing("Session not found")
    return session


def working(sim: Simulator, name: str) -> Session:
    """A session that can act. Raises `ApiError` 404 when it is not running, 422 in another status."""
    session = sim.sessions.get(name)
    if session is None or session.status == "STOPPED":
        raise session_not_running(name)
    if session.status != "WORKING" or session.me is None:
        raise wrong_status(name, session.status, "WORKING")
    session.activity = sim.clock.millis()
    return session


def in_path(sim: Simulator, request: Request) -> Session:
    """The WORKING session named in the path."""
    return working(sim, request.path_params["session"])


def in_query(sim: Simulator, request: Request) -> Session:
    """The WORKING session named in the query."""
    return working(sim, request.query_params.get("session", "default"))


def chat_in_path(sim: Simulator, session: Session, request: Request) -> Chat:
    """The chat named in the path, whether the session has met it or not."""
    return sim.chat(session, request.path_params["chatId"])


def message_in_path(session: Session, request: Request) -> Message:
    """The message named in the path. Raises `ApiError` 404."""
    return known_message(session, request.path_params["messageId"])


def known_message(session: Session, message_id: str) -> Message:
    """The message with this id. Raises `ApiError` 404."""
    message = session.find(message_id)
    if message is None:
        raise missing(f"Message with id '{message_id}' not found")
    return message


async def serve(sim: Simulator, call: Call, request: Request) -> Response:
    """Check the key, let a fault strike, carry out the call, turn errors into answers."""
    try:
        _check_key(sim, request)
        fault = sim.faults.take_rest(call.operation, await request.body()) if sim.faults.rest else None
        if fault is None:
            return await call.handler(sim, request)
        if fault.takes_effect:
            await call.handler(sim, request)
        return await _strike(sim, request, fault)
    except ApiError as error:
        return answer(error.body, error.status)


def _check_key(sim: Simulator, request: Request) -> None:
    expected = sim.config.api_key
    if expected is None or request.url.path == "/ping":
        return
    given = request.headers.get("x-api-key") or request.query_params.get("x-api-key")
    if given != expected:
        raise unauthorized()


async def _strike(sim: Simulator, request: Request, fault: RestFault) -> Response:
    match fault.fault:
        case "error-463":
            raise await _failure(sim, request, "2 UNKNOWN: server returned error 463")
        case "error-500" | "error-500-after-send":
            raise await _failure(sim, request, "4 DEADLINE_EXCEEDED: Deadline exceeded")
        case "error-422":
            raise unprocessable("The simulator was told to refuse this call")
        case "error-404":
            raise session_not_running(await _session_name(request))
        case "error-503":
            return Response("upstream unavailable", status_code=503)
        case "wrong-json":
            return answer({"unexpected": True}, 201)
        case "broken-json":
            return Response(b'{"id": "true_', status_code=201, media_type="application/json")
        case "hang" | "hang-after-send":
            await sim.background.wait_closing(fault.seconds)
        case "refuse" | "drop-after-send":
            pass
    if sim.abort is not None and request.client is not None:
        sim.abort((request.client.host, request.client.port))
    return Response(status_code=502)


async def _session_name(request: Request) -> str:
    named = request.path_params.get("session") or request.query_params.get("session")
    return str(named or (await _body(request)).get("session", "default"))


async def _failure(sim: Simulator, request: Request, message: str) -> ApiError:
    session = sim.sessions.get(await _session_name(request))
    shown: Body = {"path": request.url.path, "method": request.method, "body": await _body(request)}
    shown["query"] = dict(request.query_params)
    engine = sim.engine_name if session is None else session.engine
    return engine_failure(message, shown, environment(engine))


async def _body(request: Request) -> Body:
    try:
        body = msgspec.json.decode(await request.body() or b"{}")
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
