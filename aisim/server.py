"""Serving the provider on a socket: one port, quick shutdown, connections that can be cut."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.applications import Starlette

from aisim.provider import Provider

GRACE = 0.5
"""Seconds that calls under way get when the server stops."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises `OSError` when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol; else answers take 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(2048)
    sock.setblocking(False)
    return sock


def url_of(sock: socket.socket) -> str:
    """Where a bound socket is reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """A server that lets slow calls go when it stops, and can cut connections."""

    def __init__(self, app: Starlette, sock: socket.socket) -> None:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        super().__init__(config)
        self._sock = sock
        self._listening = asyncio.Event()
        self._stopping = asyncio.Event()
        self._provider: Provider = app.state.provider
        self._provider.abort = self.abort

    async def begin(self) -> asyncio.Task[None]:
        """Start to serve; answers when connections are taken. The task ends when the server has stopped."""
        serving = asyncio.get_running_loop().create_task(self.serve(sockets=[self._sock]))
        waiting = asyncio.get_running_loop().create_task(self._listening.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return serving

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual and tell `begin`."""
        await super().startup(sockets)
        self._listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the program that serves."""
        yield

    def stop(self) -> None:
        """Begin to stop; the task of `begin` ends when that is done."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Tick as usual, but stop at once when told to."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864000
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let slow calls go, give running ones a moment, cut what is left: well under a second in all."""
        self._provider.closing.set()
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while state.connections or state.tasks:  # noqa: ASYNC110 -- uvicorn offers no event
                    await asyncio.sleep(0.005)
        for connection in list(state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await self.lifespan.shutdown()

    def abort(self, client: tuple[str, int]) -> None:
        """Cut the connection of a client in the middle of whatever it is being told."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client and connection.transport is not None:
                connection.transport.close()
