"""The ASGI application: the API of an OpenAI server, and the control API."""

import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aisim import control
from aisim.call import Call, Handler, answer, serve
from aisim.chat import chat
from aisim.config import ProviderConfig
from aisim.errors import ApiError
from aisim.faults import Endpoint
from aisim.provider import Provider
from aisim.transcriptions import transcriptions

_STARTED = int(time.time())


def create_app(config: ProviderConfig) -> Starlette:
    """An application of its own; `app.state.provider` is the provider behind it."""
    provider = Provider(config=config)
    routes = [
        Route("/ping", _ping),
        _route(provider, "POST", "/v1/chat/completions", "chat", chat),
        _route(provider, "POST", "/v1/audio/transcriptions", "transcriptions", transcriptions),
        _route(provider, "GET", "/v1/models", "models", _models),
        *control.routes(provider),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _unknown})
    app.state.provider = provider
    return app


async def _ping(_request: Request) -> Response:
    return answer({"message": "pong"})


async def _models(call: Call) -> Response:
    fault = await call.strike("")
    listed = [
        {"id": model, "object": "model", "created": _STARTED, "owned_by": "aisim"}
        for model in call.provider.config.models
    ]
    return call.spoil(fault, answer({"object": "list", "data": listed}))


def _route(provider: Provider, method: str, path: str, endpoint: Endpoint, handler: Handler) -> Route:
    async def act(request: Request) -> Response:
        return await serve(provider, endpoint, handler, request)

    return Route(path, act, methods=[method])


async def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    message = f"Invalid URL ({request.method} {request.url.path})"
    return answer(ApiError(status, message).body, status)
