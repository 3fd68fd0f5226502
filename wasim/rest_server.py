"""The server itself: ping, health, version, and the media files it keeps for a while."""

import time

from starlette.requests import Request
from starlette.responses import Response

from wasim.errors import file_not_found
from wasim.rest import Call, answer
from wasim.simulator import Simulator
from wasim.webhooks import environment
from wasim.wire import Body


async def ping(_sim: Simulator, _request: Request) -> Response:
    """`GET /ping`, without a key."""
    return answer({"message": "pong"})


async def health(_sim: Simulator, _request: Request) -> Response:
    """`GET /health`: there is always enough disk."""
    space: Body = {"status": "up", "path": "/app/media", "diskPath": "/"}
    space |= {"free": 87926702080, "threshold": 104857600}
    info: Body = {
        "mediaFiles.space": space,
        "sessionsFiles.space": space | {"path": "/app/.sessions"},
    }
    return answer({"status": "ok", "info": info, "error": {}, "details": info})


async def version(sim: Simulator, _request: Request) -> Response:
    """`GET /api/server/version`."""
    return answer(environment(sim.engine_name))


async def status(sim: Simulator, _request: Request) -> Response:
    """`GET /api/server/status`: times in milliseconds."""
    uptime = sim.clock.millis() - sim.started_at
    return answer({"startTimestamp": sim.started_at, "uptime": uptime, "worker": {"id": "waha1"}})


async def settings(sim: Simulator, _request: Request) -> Response:
    """`GET /api/server/environment`."""
    lifetime = f"{sim.config.files_lifetime:g}"
    shown = {"WHATSAPP_DEFAULT_ENGINE": sim.engine_name, "WHATSAPP_FILES_LIFETIME": lifetime}
    return answer(shown | {"WAHA_BASE_URL": sim.base_url})


async def file(sim: Simulator, request: Request) -> Response:
    """`GET /api/files/{session}/{name}`: 404 after the file's lifetime."""
    name = request.path_params["name"]
    session = sim.sessions.get(request.path_params["session"])
    kept = session.files.get(name) if session is not None else None
    if kept is None or (kept.expires is not None and kept.expires <= time.time()):
        raise file_not_found(name)
    return Response(kept.file.data, media_type=kept.file.mimetype)


CALLS = [
    Call("GET", "/ping", ping, "read"),
    Call("GET", "/health", health, "read"),
    Call("GET", "/api/version", version, "read"),
    Call("GET", "/api/server/version", version, "read"),
    Call("GET", "/api/server/status", status, "read"),
    Call("GET", "/api/server/environment", settings, "read"),
    Call("GET", "/api/files/{session}/{name}", file, "files"),
]
