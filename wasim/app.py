"""The ASGI application: WAHA's REST, the control API, and the life behind them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wasim import (
    control,
    control_record,
    rest_chats,
    rest_contacts,
    rest_groups,
    rest_sends,
    rest_server,
    rest_sessions,
)
from wasim.clock import Clock
from wasim.config import SimulatorConfig
from wasim.personas import Stage
from wasim.rest import Call, answer, serve
from wasim.simulator import Simulator

# Fixed paths come before those that begin with a session's name.
CALLS = [
    *rest_server.CALLS,
    *rest_sessions.CALLS,
    *rest_sends.CALLS,
    *rest_contacts.CALLS,
    *rest_groups.CALLS,
    *rest_chats.CALLS,
]


def create_app(config: SimulatorConfig) -> Starlette:
    """An application of its own; `app.state.simulator` is the simulator behind it."""
    sim = Simulator(config=config, clock=Clock(config.pace))
    if config.base_url is not None:
        sim.base_url = config.base_url.rstrip("/")

    if config.personas:
        sim.on_start.append(Stage(sim).begin)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        for begin in sim.on_start:
            begin()
        yield
        await sim.close()

    routes = [_route(sim, call) for call in CALLS]
    routes += control.routes(sim) + control_record.routes(sim)
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _unknown})
    app.state.simulator = sim
    return app


def _route(sim: Simulator, call: Call) -> Route:
    async def endpoint(request: Request) -> Response:
        return await serve(sim, call, request)

    return Route(call.path, endpoint, methods=[call.method])


async def _unknown(request: Request, _error: Exception) -> Response:
    message = f"Cannot {request.method} {request.url.path}"
    return answer({"statusCode": 404, "message": message, "error": "Not Found"}, 404)
