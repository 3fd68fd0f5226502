"""`ventros serve`: the API in one process, ended gently."""

import gc
import socket

import uvicorn
from starlette.applications import Starlette

from ventros.settings import Settings
from ventros.web import create_app

_BACKLOG = 1024
_FAREWELL_SECONDS, _FAREWELL_SECONDS_IN_DEVELOPMENT = 10, 3
_FRAME_LIMIT = 1_000_000
_GARBAGE_THRESHOLDS = (50_000, 20, 100)


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT: new connections are refused, requests finish, sockets are told to go away."""
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws_max_size=_FRAME_LIMIT,
        # Compression would let a small frame grow large here.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=(
            _FAREWELL_SECONDS if settings.is_production else _FAREWELL_SECONDS_IN_DEVELOPMENT
        ),
    )
    # What exists once the program is loaded stays; looking through it again and again costs a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    _Server(config).run()


class _Server(uvicorn.Server):
    """A server that tells the application when it stops, before it waits for open requests to end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let endless answers end, then wait for the others."""
        app = self.config.app
        if isinstance(app, Starlette) and hasattr(app.state, "drain"):
            app.state.drain()
        await super().shutdown(sockets)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
