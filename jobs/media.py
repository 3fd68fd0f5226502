"""Fetches the files of messages from WAHA, soon, because WAHA keeps them for three minutes."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

import structlog
from prometheus_client import Counter, Histogram

from domain.crm.content import Media
from domain.crm.enrichment_routing import NOTHING, Abilities
from domain.ids import MediaId, TenantId
from domain.values import StoredFile
from integrations.errors import IntegrationError, Rejected
from integrations.redis_feed import Listening
from integrations.waha.client import Waha
from jobs.holding import held
from jobs.outbound import Dial
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import media as rows
from persistence.outages import heed_cancellation
from persistence.unit_of_work import UnitOfWork
from services.crm import media
from services.crm.media import FileErrand
from services.ports import Storage
from services.viewer import Viewer, system_viewer

log = structlog.get_logger()

POLL_SECONDS = 0.5
CONCURRENT_FILES = 8
LONGEST_SECONDS = 600.0
"""How long one attempt may take, with whatever WAHA does to get the file."""

HOLD_SECONDS = media.LEASE.total_seconds() / 3
"""How often a worker says that it is still at a file."""

_AT_ONCE = 64
_CAUSE = Cause(correlation_id="media", actor="system")

FETCHES = Counter("ventros_media_fetches", "Attempts to fetch a file, by what came of them.", ["outcome"])
BYTES = Counter("ventros_media_bytes", "Bytes of files that were stored.")
DURATION = Histogram(
    "ventros_media_seconds",
    "From the claim of a file to its place in the storage.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
)


class Gone(Exception):
    """WAHA does not have the file; it may have it again once the phone has uploaded it anew."""


async def run_media(
    database: Database,
    wakes: Listening,
    *,
    dial: Dial,
    storage: Storage,
    abilities: Abilities = NOTHING,
) -> None:
    """Fetch until cancelled, through outages; what was being fetched when this ends is fetched by the next run."""
    slots = asyncio.Semaphore(CONCURRENT_FILES)
    async with asyncio.TaskGroup() as group:
        while True:
            try:
                due = await rows.due(database.system, limit=_AT_ONCE)
            except Exception as error:  # noqa: BLE001 The loop outlives any outage; the files wait in the table.
                heed_cancellation()
                log.warning("media.paused", error=type(error).__name__)
                due = []
            for file in due:
                await slots.acquire()
                group.create_task(
                    _in_slot(
                        slots,
                        database,
                        file.tenant_id,
                        file.media_id,
                        dial=dial,
                        storage=storage,
                        abilities=abilities,
                    )
                )
            if len(due) < _AT_ONCE:
                await wakes.wait("media", timeout=POLL_SECONDS)


async def fetch_file(
    database: Database,
    tenant_id: TenantId,
    media_id: MediaId,
    *,
    dial: Dial,
    storage: Storage,
    hold_seconds: float = HOLD_SECONDS,
    abilities: Abilities = NOTHING,
) -> bool:
    """Make one attempt at a file; return whether it was due. `abilities` says what can be found out about it."""
    viewer = system_viewer(tenant_id=tenant_id)
    async with database.writing(tenant_id, _CAUSE) as uow:
        errand = await media.claim(uow, viewer, media_id=media_id)
    if errand is None:
        return False
    step = _Steps(database, viewer, errand)
    try:
        with DURATION.time():
            async with held(step.hold, every=hold_seconds, what="media"), asyncio.timeout(LONGEST_SECONDS):
                file, told = await _fetch(errand, dial(errand.channel), storage, tenant_id)
    except Gone as problem:
        await step.miss(str(problem))
    except Rejected as problem:
        if problem.code == "TOO_LARGE":
            await step.give_up(problem.reason)
        else:
            await step.retry_later(problem.reason, code=problem.code, after=None)
    except IntegrationError as problem:
        after: float | None = getattr(problem, "retry_after", None)
        await step.retry_later(problem.reason, code=problem.code, after=after)
    except TimeoutError:
        await step.retry_later("The file did not come in time.", code="TOO_SLOW", after=None)
    except Exception as error:
        log.exception("media.broken", media_id=str(media_id))
        await step.retry_later(
            f"The file could not be stored ({type(error).__name__}).", code="BROKEN", after=None
        )
    else:
        await step.store(file, told, abilities)
    return True


async def _in_slot(
    slots: asyncio.Semaphore,
    database: Database,
    tenant_id: TenantId,
    media_id: MediaId,
    *,
    dial: Dial,
    storage: Storage,
    abilities: Abilities,
) -> None:
    try:
        await fetch_file(database, tenant_id, media_id, dial=dial, storage=storage, abilities=abilities)
    except Exception as error:  # noqa: BLE001 One file's trouble stops no other; the lease brings it back.
        log.warning("media.failed", media_id=str(media_id), error=type(error).__name__)
    finally:
        slots.release()


async def _fetch(
    errand: FileErrand, waha: Waha, storage: Storage, tenant_id: TenantId
) -> tuple[StoredFile, Media]:
    """Store the file from where WAHA offered it, else from where it offers it when asked again.

    Raises `Gone`, or `Rejected` and `Unavailable` as WAHA does.
    """
    if errand.fetch.url is not None:
        with suppress(Gone):
            return await _store(errand, waha, storage, tenant_id, Media(url=errand.fetch.url))
    told = await waha.find_media(
        errand.channel.waha_session,
        errand.chat,
        errand.external_id,
        from_me=errand.from_me,
        author=errand.author,
        engine=errand.channel.engine,
    )
    if told is None:
        raise Gone("WAHA does not know the message any more.")
    return await _store(errand, waha, storage, tenant_id, told)


async def _store(
    errand: FileErrand, waha: Waha, storage: Storage, tenant_id: TenantId, told: Media
) -> tuple[StoredFile, Media]:
    if told.url is None:
        raise Gone(told.error or "WAHA offers no file.")
    try:
        async with waha.stream(told.url, limit=errand.limit) as stream:
            file = await storage.store(tenant_id, stream.chunks)
    except Rejected as problem:
        if problem.code == "TOO_LARGE":
            raise
        # Forbidden and bad addresses as well: presigned links expire, and WAHA makes new ones when asked.
        raise Gone(problem.reason) from problem
    return file, told if told.mime_type is not None else Media(url=told.url, mime_type=stream.mime_type)


class _Steps:
    """What can come of one attempt, each a transaction."""

    def __init__(self, database: Database, viewer: Viewer, errand: FileErrand) -> None:
        self.database = database
        self.viewer = viewer
        self.errand = errand

    async def store(self, file: StoredFile, told: Media, abilities: Abilities) -> None:
        """Note that the file is kept."""
        async with self.writing() as uow:
            is_ours = await media.store(
                uow, self.viewer, errand=self.errand, file=file, told=told, abilities=abilities
            )
        FETCHES.labels("stored" if is_ours else "repeated").inc()
        BYTES.inc(file.size)

    async def give_up(self, reason: str) -> None:
        """Note that there will be no file."""
        FETCHES.labels("rejected").inc()
        self._log("media.rejected", code="TOO_LARGE")
        async with self.writing() as uow:
            await media.give_up(uow, self.viewer, errand=self.errand, reason=reason)

    async def miss(self, reason: str) -> None:
        """Ask again later, some times."""
        FETCHES.labels("gone").inc()
        async with self.writing() as uow:
            is_last = await media.miss(uow, self.viewer, errand=self.errand, reason=reason)
        self._log("media.gone", is_last=is_last)

    async def retry_later(self, reason: str, *, code: str, after: float | None) -> None:
        """Try again after a pause."""
        FETCHES.labels("unavailable").inc()
        async with self.writing() as uow:
            is_last = await media.retry_later(
                uow, self.viewer, errand=self.errand, reason=reason, after=after
            )
        self._log("media.unavailable", code=code, is_last=is_last)

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin a transaction of the message's tenant."""
        return self.database.writing(self.viewer.tenant_id, _CAUSE)

    async def hold(self) -> None:
        """Keep the claim for another while."""
        async with self.writing() as uow:
            await media.hold(uow, self.viewer, errand=self.errand)

    def _log(self, event: str, **fields: object) -> None:
        log.info(
            event,
            media_id=str(self.errand.fetch.media_id),
            attempt=self.errand.fetch.attempts,
            **fields,
        )
