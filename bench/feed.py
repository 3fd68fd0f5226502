"""Hears a Redis channel with as little work as possible, so that the hearing takes no part of what is measured."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import hiredis
from redis.asyncio.connection import parse_url

Heard = Callable[[bytes, float], None]
"""Called with what was published and the monotonic instant it arrived at, in seconds."""


@asynccontextmanager
async def hearing(url: str, channel: str, heard: Heard) -> AsyncIterator[None]:
    """Subscribe to a channel until the block ends."""
    told = parse_url(url)
    loop = asyncio.get_running_loop()
    subscribed = loop.create_future()
    if "path" in told:
        transport, _ = await loop.create_unix_connection(lambda: _Feed(heard, subscribed), str(told["path"]))
    else:
        host, port = str(told.get("host", "127.0.0.1")), int(told.get("port", 6379))
        transport, _ = await loop.create_connection(lambda: _Feed(heard, subscribed), host, port)
    try:
        if password := told.get("password"):
            transport.write(_command("AUTH", *filter(None, (told.get("username"),)), password))
        transport.write(_command("SUBSCRIBE", channel))
        async with asyncio.timeout(10):
            await subscribed
        yield
    finally:
        transport.close()


class _Feed(asyncio.Protocol):
    def __init__(self, heard: Heard, subscribed: "asyncio.Future[None]") -> None:
        self._heard = heard
        self._subscribed = subscribed
        self._reader = hiredis.Reader()

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            if not isinstance(reply, list):
                continue
            if reply[0] == b"message":
                self._heard(reply[2], at)
            elif not self._subscribed.done():
                self._subscribed.set_result(None)


def _command(*parts: object) -> bytes:
    encoded = [str(part).encode() for part in parts]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in encoded)
