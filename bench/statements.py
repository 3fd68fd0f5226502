"""Counts the SQL statements that any process sends, by standing between it and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.engine import make_url

_SSL_REQUEST = 80877103
_EXECUTE, _SIMPLE_QUERY, _SYNC, _PARSE = b"E"[0], b"Q"[0], b"S"[0], b"P"[0]


@dataclass(kw_only=True)
class Statements:
    """What clients have asked so far: statements run, statements prepared, and waits for an answer."""

    run: int = 0
    prepared: int = 0
    round_trips: int = 0


@asynccontextmanager
async def counting(url: str) -> AsyncIterator[tuple[str, Statements]]:
    """Yield a URL that leads to the same database, and the counts of what goes through it."""
    counts = Statements()
    target = make_url(url)
    directory, port = target.query.get("host"), target.port or target.query.get("port") or 5432

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if directory:
            upstream = await asyncio.open_unix_connection(f"{directory}/.s.PGSQL.{port}")
        else:
            upstream = await asyncio.open_connection(target.host, int(str(port)))
        await asyncio.gather(
            _forward(reader, upstream[1], client=writer, counts=counts), _copy(upstream[0], writer)
        )

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        own_port = server.sockets[0].getsockname()[1]
        counted = target.set(host="127.0.0.1", port=own_port, query={})
        yield counted.render_as_string(hide_password=False), counts
    finally:
        server.close()


async def _forward(
    reader: asyncio.StreamReader,
    upstream: asyncio.StreamWriter,
    *,
    client: asyncio.StreamWriter,
    counts: Statements,
) -> None:
    """Pass on what a client sends, message by message; the first ones have no type."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            length = await reader.readexactly(4)
            rest = await reader.readexactly(int.from_bytes(length) - 4)
            if int.from_bytes(rest[:4]) != _SSL_REQUEST:
                break
            client.write(b"N")
        upstream.write(length + rest)
        while True:
            head = await reader.readexactly(5)
            upstream.write(head + await reader.readexactly(int.from_bytes(head[1:]) - 4))
            kind = head[0]
            counts.run += kind in {_EXECUTE, _SIMPLE_QUERY}
            counts.prepared += kind == _PARSE
            counts.round_trips += kind in {_SYNC, _SIMPLE_QUERY}
    upstream.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
    target.close()
