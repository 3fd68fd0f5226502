"""A process that asks one server as fast as it answers, on connections that stay open.

It reads its task as JSON from standard input and writes what it saw as JSON to standard output. It uses bare
transports, so that it needs a fraction of the time of any server it measures.
"""

import asyncio
import hmac
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import uvloop

PLACE = "@@@@@@@@@@@@@@@@@@@@"
"""In a body that is signed, the place of what makes each request another one; twenty characters."""

_PREPARED_PER_SECOND = 12_000


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to ask. `key` signs each body; without it every request is the same.

    An answer is right when it has the status `expect` and its body does not hold `forbid`.
    """

    port: int
    path: str
    body: str
    seconds: float
    connections: int
    expect: int
    key: str | None = None
    forbid: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of it; times in seconds. `busy` is this process's own processor time per second."""

    answers: int
    wrong: int
    broken: int
    seconds: float
    busy: float
    bytes_read: int
    statuses: dict[str, int]
    latencies: list[float]


async def load(task: Task) -> Seen:
    """Run the load in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.http_load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(json.dumps(asdict(task)).encode())
    if process.returncode:
        raise RuntimeError(f"The load generator ended with {process.returncode}.")
    return Seen(**json.loads(output))


def requests(task: Task) -> Iterator[bytes]:
    """Yield requests without end."""
    if task.key is None:
        one = _request(task, task.body.encode(), {})
        while True:
            yield one
    prefix, number = secrets.token_hex(5), 0
    while True:
        number += 1
        body = task.body.replace(PLACE, f"{prefix}{number:010}").encode()
        yield _request(task, body, {"X-Webhook-Hmac": hmac.digest(task.key.encode(), body, "sha512").hex()})


def _request(task: Task, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [
        f"POST {task.path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (task.headers | headers).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Load:
    def __init__(self, task: Task) -> None:
        self.task = task
        self.endless = requests(task)
        # Made before the clock runs, as many as a second of the fastest server needs.
        many = int(_PREPARED_PER_SECOND * task.seconds) if task.key is not None else 0
        self.prepared = [next(self.endless) for _ in range(many)]
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.wrong = self.broken = self.bytes_read = 0
        self.until = 0.0
        self.expect = str(task.expect).encode()
        self.forbid = task.forbid.encode() if task.forbid is not None else None
        self.open = task.connections
        self.done = asyncio.Event()

    def next(self) -> bytes | None:
        if time.perf_counter() >= self.until:
            return None
        return self.prepared.pop() if self.prepared else next(self.endless)

    def answered(self, status: bytes, body: bytes, *, took: float) -> None:
        self.latencies.append(took)
        self.statuses[status.decode()] += 1
        if status != self.expect or (self.forbid is not None and self.forbid in body):
            self.wrong += 1

    def closed(self, *, early: bool) -> None:
        self.broken += early
        self.open -= 1
        if self.open == 0:
            self.done.set()


class _Connection(asyncio.Protocol):
    def __init__(self, load: _Load) -> None:
        self._load = load
        self._buffer = b""
        self._sent_at = 0.0
        self._is_waiting = False

    def begin(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.ask()

    def ask(self) -> None:
        request = self._load.next()
        self._is_waiting = request is not None
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._load.bytes_read += len(data)
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        _, found, length = head.partition(b"\r\ncontent-length:")
        size = int(length.split(b"\r\n", 1)[0]) if found else 0
        if len(self._buffer) < end + 4 + size:
            return
        body, self._buffer = self._buffer[end + 4 :], b""
        self._load.answered(head[9:12], body, took=now - self._sent_at)
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.closed(early=self._is_waiting)


async def _run(task: Task) -> Seen:
    run = _Load(task)
    loop = asyncio.get_running_loop()
    connections = [
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", task.port)
        for _ in range(task.connections)
    ]
    began, busy = time.perf_counter(), time.process_time()
    run.until = began + task.seconds
    for transport, connection in connections:
        connection.begin(transport)
    async with asyncio.timeout(task.seconds + 30):
        await run.done.wait()
    elapsed = time.perf_counter() - began
    return Seen(
        answers=len(run.latencies),
        wrong=run.wrong,
        broken=run.broken,
        seconds=elapsed,
        busy=(time.process_time() - busy) / elapsed,
        bytes_read=run.bytes_read,
        statuses=dict(run.statuses),
        latencies=run.latencies,
    )


if __name__ == "__main__":
    given = Task(**json.load(sys.stdin))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(asdict(runner.run(_run(given))), sys.stdout)
