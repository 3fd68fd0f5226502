"""A process that files what waits, each time it is told to, and says how long it took.

`python -m bench.lane_worker URL MODE LOOPS`: for each line `go` on standard input it works until the inbox is
empty and writes one line of JSON. MODE `stepwise` claims one webhook per transaction, `lanes` what `ventros work`
claims. LOOPS is how many claim at once, as VENTROS_LANE_WORKERS says for `ventros work`.
"""

import asyncio
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime

import uvloop

from domain.clock import SystemClock
from domain.crm.inbound import InboundEvent
from integrations.waha.translate import to_domain
from jobs.lanes import work_once
from persistence.database import Database
from persistence.messaging import lanes


@dataclass(frozen=True, kw_only=True)
class Filed:
    """One run; instants on the machine's monotonic clock, in seconds."""

    began: float
    ended: float
    events: int
    batches: int
    busy: float


class LaneWorker:
    """A running `bench.lane_worker`, as seen by who started it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    async def file(self) -> Filed:
        """Let it work until the inbox is empty."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"go\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("A lane worker ended while it was measured.")
        return Filed(**json.loads(line))

    async def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


async def start(url: str, *, mode: str, loops: int) -> LaneWorker:
    """Start a worker and wait until it is connected."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.lane_worker", url, mode, str(loops)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    worker = LaneWorker(process)
    await worker.file()
    return worker


async def _serve(url: str, loops: int) -> None:
    async with Database(url, clock=SystemClock()) as database:
        while await asyncio.to_thread(sys.stdin.readline):
            busy, began = time.process_time(), time.monotonic()
            done = await asyncio.gather(*(_work(database) for _ in range(loops)))
            filed = Filed(
                began=began,
                ended=time.monotonic(),
                events=sum(events for events, _ in done),
                batches=sum(batches for _, batches in done),
                busy=time.process_time() - busy,
            )
            print(json.dumps(asdict(filed)), flush=True)


async def _work(database: Database) -> tuple[int, int]:
    events = batches = 0
    while True:
        if some := await work_once(database, translate=_translate):
            events, batches = events + some, batches + 1
        elif not await database.system.fetchval("SELECT EXISTS (SELECT FROM inbox_events)"):
            return events, batches
        else:
            # All lanes that are left are in the hands of others.
            await asyncio.sleep(0.001)


def _translate(body: bytes, at: datetime) -> InboundEvent:
    return to_domain(body, received_at=at)


def _main(url: str, mode: str, loops: int) -> None:
    if mode == "stepwise":
        lanes.LANES_PER_BATCH = lanes.EVENTS_PER_LANE = 1
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(url, loops))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
