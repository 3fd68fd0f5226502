"""From a webhook to the subscriber of `messageReceived`, through the real API and worker."""

import asyncio
import json
import re
import statistics
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench import processor
from bench.measure import Quantiles, compare, quantiles, rotated
from bench.programs import serving, working
from bench.report import Result, Scalar
from bench.run_settings import Bench
from integrations.waha import signature
from tests.factories import HMAC_KEY, Shop, open_shop
from tests.waha import Person, Script

RATES = (100, 1000)
DOCUMENT = "subscription { messageReceived { message { text } } }"
_CONNECTIONS = 64
_PEOPLE = 200
_STALLED_SECONDS = 15.0
# The server closes connections that were idle for five seconds.
_IDLE_SECONDS = 3.0
_NUMBER = re.compile(r"mensagem (\d+)")


@dataclass(kw_only=True)
class Round:
    """What one round at one rate saw; instants in seconds on the monotonic clock, by message number."""

    posted: dict[int, float] = field(default_factory=dict)
    received: dict[int, float] = field(default_factory=dict)
    acks: list[float] = field(default_factory=list)
    doubled: int = 0
    elapsed: float = 0.0

    @property
    def latencies(self) -> list[float]:
        """Seconds from just before each POST to its receipt."""
        return [at - self.posted[number] for number, at in self.received.items()]


async def run(bench: Bench) -> Result:
    """Measure."""
    rates = [bench.size(rate, small=rate // 10) for rate in RATES]
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        shop = await open_shop(database)
        api = await stack.enter_async_context(serving(bench.servers))
        worker = await stack.enter_async_context(working(bench.servers))
        posts = await stack.enter_async_context(_posts(api.port, shop))
        subscriber = await stack.enter_async_context(_subscriber(api.port, shop))
        traffic = _Messages(people=bench.size(_PEOPLE, small=5))
        # Everybody has written before, and every connection has been used.
        await _measure(posts, subscriber, traffic.bodies(traffic.people), rate=100)
        pids = [*bench.servers.pids, api.pid, worker.pid]
        rounds: dict[int, list[Round]] = {rate: [] for rate in rates}
        foreign_cores = []
        for number, rate in rotated(rates, bench.rounds + 1):
            foreign = processor.Foreign()
            foreign.begin(pids)
            many = max(int(rate * bench.seconds), 1)
            one = await _measure(posts, subscriber, traffic.bodies(many), rate=rate)
            others = foreign.end(pids)
            if number:
                rounds[rate].append(one)
                foreign_cores.append(others)
    medians = {_name(rate): [quantiles(one.latencies).p50_ms for one in rounds[rate]] for rate in rates}
    slow, fast = _name(rates[0]), _name(rates[-1])
    return Result(
        name="end-to-end",
        unit="ms, median of the round",
        rounds=bench.rounds,
        round_seconds=bench.seconds,
        samples=medians,
        ratios=[compare(f"median latency, {fast} / {slow}", medians, of=fast, over=slow)],
        facts={_name(rate): _facts(rounds[rate]) for rate in rates},
        notes=[
            "Every message comes from somebody else in an individual chat; one subscriber asks for its text; the "
            "clock runs from just before the POST to the receipt of the frame."
        ],
        foreign_cores=foreign_cores,
    )


@dataclass(kw_only=True)
class _Messages:
    people: int
    script: Script = field(default_factory=Script)
    sent: int = 0

    def bodies(self, many: int) -> dict[int, bytes]:
        """Return the webhooks of the next messages by their numbers, the people taking turns."""
        numbers = range(self.sent, self.sent + many)
        self.sent += many
        return {number: self._body(number) for number in numbers}

    def _body(self, number: int) -> bytes:
        who = number % self.people
        person = Person(phone=f"55117{who:08}", lid=f"4{who:014}", name=f"Pessoa {who}")
        return self.script.message(
            f"E{number:010}", text=f"mensagem {number}", by=person, at=number, tell_both=True
        )


async def _measure(
    posts: "_Posts", subscriber: "_Subscriber", bodies: dict[int, bytes], *, rate: int
) -> Round:
    """Post the webhooks at a rate and wait for what arrives; give up when nothing comes for a while."""
    seen = Round()
    requests = {number: posts.request(body) for number, body in bodies.items()}
    subscriber.begin(seen, wanted=len(bodies))
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for place, (number, request) in enumerate(requests.items()):
            await asyncio.sleep(max(began + place / rate - time.monotonic(), 0))
            group.create_task(posts.post(number, request, seen))
    await subscriber.all()
    seen.elapsed = max([*seen.received.values(), began]) - began
    return seen


class _Posts:
    """Connections that stay open, each for one webhook at a time."""

    def __init__(self, port: int, shop: Shop) -> None:
        self._port = port
        self._path = f"/webhooks/waha/{shop.webhook_token}"
        self._free: asyncio.Queue[_Connection] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(await self._connect())
        return self

    async def __aexit__(self, *_: object) -> None:
        while not self._free.empty():
            self._free.get_nowait().writer.close()

    def request(self, body: bytes) -> bytes:
        """Return the signed request of a webhook."""
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{signature.HEADER}: {signature.sign(body, HMAC_KEY)}\r\n\r\n"
        )
        return head.encode() + body

    async def post(self, number: int, request: bytes, seen: Round) -> None:
        """Send it on a free connection and require that it was accepted."""
        connection = await self._free.get()
        if time.monotonic() - connection.used_at > _IDLE_SECONDS:
            connection.writer.close()
            connection = await self._connect()
        began = seen.posted[number] = time.monotonic()
        connection.writer.write(request)
        answer = await connection.reader.readuntil(b"\r\n\r\n")
        connection.used_at = time.monotonic()
        seen.acks.append(connection.used_at - began)
        if not answer.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(f"A webhook was answered with {answer[:200]!r}.")
        self._free.put_nowait(connection)

    async def _connect(self) -> "_Connection":
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        return _Connection(reader=reader, writer=writer, used_at=time.monotonic())


@dataclass(kw_only=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used_at: float


def _posts(port: int, shop: Shop) -> _Posts:
    return _Posts(port, shop)


class _Subscriber:
    """One client of the graphql-transport-ws protocol."""

    def __init__(self, port: int, shop: Shop) -> None:
        self._url = f"ws://127.0.0.1:{port}/graphql"
        self._key = shop.api_key
        self._seen = Round()
        self._wanted = 0
        self._enough = asyncio.Event()
        self._last_at = 0.0

    async def __aenter__(self) -> Self:
        self._socket: ClientConnection = await connect(
            self._url,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            compression=None,
            proxy=None,
        )
        await self._send(type="connection_init", payload={"Authorization": f"Bearer {self._key}"})
        acknowledged = json.loads(await self._socket.recv())
        if acknowledged["type"] != "connection_ack":
            raise RuntimeError(f"The socket was not accepted: {acknowledged}.")
        await self._send(id="1", type="subscribe", payload={"query": DOCUMENT})
        self._reading = asyncio.create_task(self._read())
        # The protocol does not confirm a subscription; what comes before it has begun is not ours.
        await asyncio.sleep(1.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        await self._socket.close()

    def begin(self, seen: Round, *, wanted: int) -> None:
        """Note what arrives from now on in `seen`."""
        self._seen, self._wanted, self._last_at = seen, wanted, time.monotonic()
        self._enough.clear()

    async def all(self) -> None:
        """Wait until all have arrived, or none for a while, and a moment longer for one too many."""
        while not self._enough.is_set() and time.monotonic() - self._last_at < _STALLED_SECONDS:
            if self._reading.done():
                self._reading.result()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._enough.wait()
        await asyncio.sleep(0.05)

    async def _read(self) -> None:
        async for frame in self._socket:
            at = time.monotonic()
            message = json.loads(frame)
            if message["type"] == "ping":
                await self._send(type="pong")
                continue
            if message["type"] != "next" or message["payload"].get("errors"):
                raise RuntimeError(f"The subscription failed: {message}.")
            found = _NUMBER.fullmatch(message["payload"]["data"]["messageReceived"]["message"]["text"])
            assert found is not None
            self._received(int(found[1]), at)
        raise RuntimeError(f"The server closed the socket: {self._socket.close_code}.")

    def _received(self, number: int, at: float) -> None:
        self._last_at = at
        if number in self._seen.received or number not in self._seen.posted:
            self._seen.doubled += 1
            return
        self._seen.received[number] = at
        if len(self._seen.received) == self._wanted:
            self._enough.set()

    async def _send(self, **message: object) -> None:
        await self._socket.send(json.dumps(message))


def _subscriber(port: int, shop: Shop) -> _Subscriber:
    return _Subscriber(port, shop)


def _name(rate: int) -> str:
    return f"{rate} messages/s"


def _facts(rounds: list[Round]) -> dict[str, Scalar]:
    whole: Quantiles = quantiles([took for one in rounds for took in one.latencies])
    ack = quantiles([took for one in rounds for took in one.acks])
    return {
        "messages": sum(len(one.posted) for one in rounds),
        "received_per_second": statistics.median(len(one.received) / one.elapsed for one in rounds),
        "p50_ms": whole.p50_ms,
        "p99_ms": whole.p99_ms,
        "ack_p50_ms": ack.p50_ms,
        "ack_p99_ms": ack.p99_ms,
        "lost": sum(len(one.posted) - len(one.received) for one in rounds),
        "doubled": sum(one.doubled for one in rounds),
    }
