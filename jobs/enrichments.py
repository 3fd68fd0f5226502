"""Finds out what files say: claims what is due, the most urgent first, asks, and keeps the answer."""

import asyncio
from collections import Counter as Counts
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from time import monotonic

import structlog
from prometheus_client import Counter, Histogram

from domain.crm.enrichment import LEASE, EnrichmentResult
from domain.errors import Conflict, NotFound
from domain.ids import EnrichmentId, TenantId, new_id
from integrations.errors import IntegrationError, Malformed, Rejected, Unavailable
from integrations.redis_feed import Listening
from jobs.enrichers import Enricher
from jobs.holding import held
from persistence.crm import enrichments as rows
from persistence.database import Database
from persistence.events import Cause
from persistence.outages import RACES, heed_cancellation, is_outage
from persistence.unit_of_work import UnitOfWork
from services.crm import enrichments as service
from services.crm.enrichments import EnrichmentErrand
from services.ports import Storage
from services.viewer import Viewer, system_viewer

log = structlog.get_logger()

POLL_SECONDS = 0.5
LONGEST_SECONDS = 300.0
"""How long one attempt may take."""

HOLD_SECONDS = LEASE.total_seconds() / 3
"""How often a worker says that it is still at it."""

_PAUSES = (5, 30, 120, 600, 1800)
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=10)
_MENDS_PAUSE = timedelta(minutes=5)
_CLAIM_PAUSE = timedelta(minutes=1)
_MOST_MALFORMED = 2
_NOT_TAKEN = {"BREAKER_OPEN", "BUSY", "RATE_LIMITED", "UNREACHABLE"}
"""Calls that no provider has worked on: they are no attempts."""

_FOR_OPERATORS = {
    "UNAUTHORIZED",
    "FORBIDDEN",
    "PAYMENT_REQUIRED",
    "QUOTA_EXHAUSTED",
    "NOT_FOUND",
    "BAD_ADDRESS",
    "REDIRECTED",
    "NO_MODEL",
    "NO_PACKAGE",
}
"""Refusals that are no fault of the file: somebody mends them within the day, and then it goes on."""

_CAUSE = Cause(correlation_id="enrichments", actor="system")

ATTEMPTS = Counter(
    "ventros_enrichments", "What came of attempts to find out what a file says.", ["kind", "outcome"]
)
DURATION = Histogram(
    "ventros_enrichment_seconds",
    "One call of a provider or reader.",
    ["kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60, 120, 300),
)


async def run_enrichments(
    database: Database,
    wakes: Listening,
    *,
    enrichers: Sequence[Enricher],
    storage: Storage,
    default_budget: int | None,
) -> None:
    """Work until cancelled, through outages; what was under way when this ends is done by the next run.

    Each enricher has a loop and places of its own, so that a slow provider delays nobody but itself.
    `default_budget` is what a project may spend in a day, in micro-USD, unless it says so itself.
    """
    async with asyncio.TaskGroup() as group:
        for enricher in enrichers:
            group.create_task(
                _loop(database, wakes, enricher, storage=storage, default_budget=default_budget),
                name="enrichments-" + "-".join(sorted(kind.value.lower() for kind in enricher.kinds)),
            )


async def work_on(
    database: Database,
    tenant_id: TenantId,
    enrichment_id: EnrichmentId,
    *,
    enricher: Enricher,
    storage: Storage,
    default_budget: int | None = None,
    hold_seconds: float = HOLD_SECONDS,
) -> bool:
    """Make one attempt at an enrichment; return whether it was due."""
    viewer = system_viewer(tenant_id=tenant_id)
    async with database.writing(tenant_id, _CAUSE) as uow:
        claim = await service.claim(
            uow,
            viewer,
            enrichment_id=enrichment_id,
            token=new_id(),
            key_of=enricher.key,
            costs=enricher.costs,
            default_budget=default_budget,
        )
    if claim.status is not None and claim.type is not None:
        outcome = "cached" if claim.is_cached else claim.status.value.lower()
        ATTEMPTS.labels(claim.type.value, outcome).inc()
        return True
    if claim.errand is None:
        return False
    step = _Steps(database, viewer, claim.errand)
    try:
        await _attempt(step, enricher, storage, hold_seconds=hold_seconds)
    except (Conflict, NotFound):
        # Another worker took it over, or its message is gone.
        step.note("lost")
    return True


async def _loop(
    database: Database,
    wakes: Listening,
    enricher: Enricher,
    *,
    storage: Storage,
    default_budget: int | None,
) -> None:
    running: set[asyncio.Task[None]] = set()
    served: deque[TenantId] = deque(maxlen=enricher.at_once)
    async with asyncio.TaskGroup() as group:
        while True:
            free = enricher.at_once - len(running)
            if free <= 0:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                due = await rows.due(
                    database.system,
                    types=sorted(enricher.kinds, key=str),
                    now=database.clock.now(),
                    limit=free,
                    last=_had_much(served),
                )
            except Exception as error:  # noqa: BLE001 The loop outlives any outage; what is due waits in the table.
                heed_cancellation()
                log.warning("enrichments.paused", error=type(error).__name__)
                due = []
            for one in due:
                task = group.create_task(
                    _safely(database, one, enricher, storage=storage, default_budget=default_budget)
                )
                running.add(task)
                served.append(one.tenant_id)
                task.add_done_callback(running.discard)
            if len(due) < free:
                await wakes.wait("enrichments", timeout=POLL_SECONDS)


def _had_much(served: deque[TenantId]) -> list[TenantId]:
    """Return the tenants that had half of the latest places: a flood of one lets the others through."""
    return [tenant for tenant, times in Counts(served).items() if times * 2 >= (served.maxlen or 1)]


async def _safely(
    database: Database,
    one: rows.DueEnrichment,
    enricher: Enricher,
    *,
    storage: Storage,
    default_budget: int | None,
) -> None:
    try:
        await work_on(
            database,
            one.tenant_id,
            one.enrichment_id,
            enricher=enricher,
            storage=storage,
            default_budget=default_budget,
        )
    except Exception as error:  # noqa: BLE001 One file's trouble stops no other; the lease brings it back.
        heed_cancellation()
        log.warning("enrichment.failed", enrichment_id=str(one.enrichment_id), error=type(error).__name__)
        await _put_off(database, one)


async def _put_off(database: Database, one: rows.DueEnrichment) -> None:
    """Leave one alone that could not even be claimed; it would stay the most urgent for ever."""
    now = database.clock.now()
    try:
        async with database.tenant_transaction(one.tenant_id) as connection:
            await rows.put_off(connection, one.enrichment_id, until=now + _CLAIM_PAUSE, now=now)
    except Exception as error:  # noqa: BLE001 Where the server is away, nobody claims anything.
        heed_cancellation()
        log.warning("enrichment.not_put_off", error=type(error).__name__)
        await asyncio.sleep(POLL_SECONDS)


async def _attempt(step: "_Steps", enricher: Enricher, storage: Storage, *, hold_seconds: float) -> None:
    errand = step.errand
    started = monotonic()
    try:
        path = storage.path(errand.tenant_id, errand.sha256)
        async with held(step.hold, every=hold_seconds, what="enrichment"), asyncio.timeout(LONGEST_SECONDS):
            with DURATION.labels(errand.type.value).time():
                result = await enricher.run(errand, path)
    except Rejected as problem:
        await step.heed_refusal(problem)
    except Malformed as problem:
        if errand.attempt >= _MOST_MALFORMED:
            await step.fail(problem)
        else:
            await step.retry_later(problem, pause=_pause(errand), was_tried=True)
    except Unavailable as problem:
        was_tried = problem.code not in _NOT_TAKEN
        pause = _pause(errand) if was_tried else _wait(errand)
        asked = timedelta(seconds=problem.retry_after or 0)
        await step.retry_later(problem, pause=max(pause, asked), was_tried=was_tried)
    except IntegrationError as problem:
        await step.retry_later(problem, pause=_pause(errand), was_tried=True)
    except TimeoutError:
        slow = Unavailable(f"It took over {LONGEST_SECONDS:g} s.", code="TIMEOUT")
        await step.retry_later(slow, pause=_pause(errand), was_tried=True)
    except Exception as error:  # noqa: BLE001 Whatever it is, it must not hold the burst; the lease would.
        heed_cancellation()
        # Without the traceback: it may quote what the file says.
        log.error("enrichment.broken", enrichment_id=str(errand.enrichment_id), error=type(error).__name__)  # noqa: TRY400
        broken = Unavailable(f"The attempt broke ({type(error).__name__}).", code="BROKEN")
        await step.retry_later(broken, pause=_pause(errand), was_tried=True)
    else:
        await step.complete(result, duration_ms=int((monotonic() - started) * 1000))


def _pause(errand: EnrichmentErrand) -> timedelta:
    """Return how long to wait after an attempt; longer after each."""
    return timedelta(seconds=_PAUSES[min(errand.attempt, len(_PAUSES)) - 1])


def _wait(errand: EnrichmentErrand) -> timedelta:
    """Return how long to wait for a provider that takes no calls; longer the longer it goes on."""
    return min(max(errand.age / 2, _SHORTEST_WAIT), _LONGEST_WAIT)


class _Steps:
    """What can come of one attempt, each a transaction."""

    def __init__(self, database: Database, viewer: Viewer, errand: EnrichmentErrand) -> None:
        self.database = database
        self.viewer = viewer
        self.errand = errand

    async def complete(self, result: EnrichmentResult, *, duration_ms: int) -> None:
        """Keep the result and count its cost; through outages as long as the lease, since it may have been paid for."""
        give_up_at = monotonic() + LEASE.total_seconds()
        while True:
            try:
                async with self.writing() as uow:
                    is_ours = await service.complete(
                        uow, self.viewer, errand=self.errand, result=result, duration_ms=duration_ms
                    )
            except Exception as error:
                heed_cancellation()
                if not (is_outage(error) or isinstance(error, RACES)) or monotonic() > give_up_at:
                    raise
                await asyncio.sleep(POLL_SECONDS)
            else:
                self.note("completed" if is_ours else "repeated")
                return

    async def heed_refusal(self, problem: Rejected) -> None:
        """Wait for operators to mend what is theirs; do without what cannot be read; else give up."""
        if problem.code in _FOR_OPERATORS:
            await self.retry_later(problem, pause=_MENDS_PAUSE, was_tried=False)
        elif problem.code == "UNSUPPORTED":
            async with self.writing() as uow:
                await service.skip(uow, self.viewer, errand=self.errand, reason=problem.reason)
            self.note("skipped", code=problem.code)
        else:
            await self.fail(problem)

    async def fail(self, problem: IntegrationError) -> None:
        """Give up."""
        async with self.writing() as uow:
            await service.fail(
                uow,
                self.viewer,
                errand=self.errand,
                error=problem.reason,
                cost_microusd=problem.cost_microusd,
            )
        self.note("failed", code=problem.code)

    async def retry_later(self, problem: IntegrationError, *, pause: timedelta, was_tried: bool) -> None:
        """Try again after a pause."""
        async with self.writing() as uow:
            is_last = await service.retry_later(
                uow,
                self.viewer,
                errand=self.errand,
                error=problem.reason,
                pause=pause,
                was_tried=was_tried,
                cost_microusd=problem.cost_microusd,
            )
        self.note("failed" if is_last else "postponed", code=problem.code)

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin a transaction of the message's tenant."""
        return self.database.writing(self.viewer.tenant_id, _CAUSE)

    def note(self, outcome: str, **fields: object) -> None:
        """Count and log what came of the attempt."""
        ATTEMPTS.labels(self.errand.type.value, outcome).inc()
        log.info(
            "enrichment.attempt",
            outcome=outcome,
            enrichment_id=str(self.errand.enrichment_id),
            kind=self.errand.type.value,
            attempt=self.errand.attempt,
            **fields,
        )

    async def hold(self) -> None:
        """Keep the claim for another while."""
        async with self.writing() as uow:
            await service.hold(uow, self.viewer, errand=self.errand)
