"""The control API: answers to give next, misfortunes, and what has been asked."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aisim.call import answer
from aisim.errors import ApiError, invalid
from aisim.faults import ONLY_CHAT, Fault
from aisim.provider import Asked, Prepared, Provider
from aisim.wire import Body, Wire, decode

T = TypeVar("T", bound=Wire)


async def prepare(provider: Provider, request: Request) -> Response:
    """Prepare an answer for the next call that it fits."""
    prepared = await _read(request, Prepared)
    if prepared.raw is msgspec.UNSET and prepared.text is None and not prepared.tool_calls:
        raise invalid("a prepared answer has a text, toolCalls, or a raw body")
    if prepared.raw is msgspec.UNSET and prepared.status != 200:  # noqa: PLR2004
        raise invalid("only an answer with a raw body has a status of its own")
    provider.prepared.append(prepared)
    return answer(prepared, 201)


async def prepared(provider: Provider, _request: Request) -> Response:
    """The answers that nobody has been given yet."""
    return answer(provider.prepared)


async def clear_prepared(provider: Provider, _request: Request) -> Response:
    """No more prepared answers."""
    provider.prepared.clear()
    return answer([])


async def add_fault(provider: Provider, request: Request) -> Response:
    """Order a misfortune."""
    fault = await _read(request, Fault)
    if not 0 < fault.probability <= 1:
        raise invalid("probability must be above 0 and at most 1")
    if fault.fault in ONLY_CHAT and fault.endpoint not in ("any", "chat"):
        raise invalid(f"'{fault.fault}' happens to chats only")
    provider.faults.ordered.append(fault)
    return answer(fault, 201)


async def faults(provider: Provider, _request: Request) -> Response:
    """The faults in force."""
    return answer(provider.faults.ordered)


async def clear_faults(provider: Provider, _request: Request) -> Response:
    """No more faults."""
    provider.faults.clear()
    return answer([])


async def requests(provider: Provider, request: Request) -> Response:
    """What has been asked, oldest first; `endpoint` and `outcome` narrow."""
    query = request.query_params
    wanted = {name: query[name] for name in ("endpoint", "outcome") if name in query}
    found = [one for one in provider.asked if all(getattr(one, k) == v for k, v in wanted.items())]
    return answer({"count": len(found), "requests": [_show(one) for one in found]})


async def reset(provider: Provider, _request: Request) -> Response:
    """Forget everything that was ordered, prepared and asked."""
    provider.reset()
    return answer({"reset": True}, 201)


def _show(asked: Asked) -> Body:
    return {
        "number": asked.number,
        "endpoint": asked.endpoint,
        "outcome": asked.outcome,
        "status": asked.status,
        "body": asked.body,
    }


async def _read(request: Request, type_: type[T]) -> T:
    try:
        return decode(await request.body(), type_)
    except msgspec.DecodeError as error:
        raise invalid(str(error)) from error


Act = Callable[[Provider, Request], Awaitable[Response]]


def routes(provider: Provider) -> list[Route]:
    """The routes of this module."""
    return [
        _route(provider, "POST", "/control/answers", prepare),
        _route(provider, "GET", "/control/answers", prepared),
        _route(provider, "DELETE", "/control/answers", clear_prepared),
        _route(provider, "POST", "/control/faults", add_fault),
        _route(provider, "GET", "/control/faults", faults),
        _route(provider, "DELETE", "/control/faults", clear_faults),
        _route(provider, "GET", "/control/requests", requests),
        _route(provider, "POST", "/control/reset", reset),
    ]


def _route(provider: Provider, method: str, path: str, act: Act) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return await act(provider, request)
        except ApiError as error:
            return answer(error.body, error.status)

    return Route(path, endpoint, methods=[method])
