"""Hands queued messages to WhatsApp, chat by chat in order, and finds out what became of unclear attempts."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import partial

import structlog
from prometheus_client import Counter, Histogram

from domain.crm.channel import Channel, ChannelStatus
from domain.crm.message import MessageStatus
from domain.ids import ChatId, TenantId
from integrations.errors import Ambiguous, Rejected, Unavailable
from integrations.redis_feed import Listening
from integrations.waha import messages as waha_messages
from integrations.waha import sends
from integrations.waha.client import Waha
from integrations.waha.content import Nothing
from integrations.waha.fields import Node
from integrations.waha.message_id import bare
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import outgoing
from persistence.outages import heed_cancellation
from persistence.unit_of_work import UnitOfWork
from services.crm import deliveries
from services.crm.deliveries import Errand
from services.viewer import Viewer, system_viewer

log = structlog.get_logger()

POLL_SECONDS = 0.5
CONCURRENT_CHATS = 32
FAREWELL_SECONDS = 7.0
"""How long calls under way may take once the worker is told to stop; it has ten seconds in all."""

_LOOK_BACK = 10
_CLOCK_SKEW = timedelta(seconds=30)

Dial = Callable[[Channel], Waha]
"""Returns a client for a channel's WAHA server; it decrypts the channel's API key."""

ATTEMPTS = Counter("ventros_sends", "Attempts to send a message, by what came of them.", ["outcome"])
DURATION = Histogram("ventros_send_seconds", "One call to WAHA that sends a message.")


async def run_outbound(
    database: Database, wakes: Listening, *, dial: Dial, farewell: float = FAREWELL_SECONDS
) -> None:
    """Send until cancelled, through outages; then let calls under way end, for `farewell` seconds at most."""
    busy: dict[ChatId, asyncio.Task[None]] = {}
    stopping = asyncio.Event()
    try:
        while True:
            try:
                due = await outgoing.due_chats(database.system, limit=4 * CONCURRENT_CHATS)
            except Exception as error:  # noqa: BLE001 The loop outlives any outage; the messages wait in the table.
                heed_cancellation()
                log.warning("outbound.paused", error=type(error).__name__)
                due = []
            for chat in due:
                if len(busy) < CONCURRENT_CHATS and chat.chat_id not in busy:
                    busy[chat.chat_id] = asyncio.create_task(
                        _empty(database, chat.tenant_id, chat.chat_id, dial=dial, stopping=stopping)
                    )
                    busy[chat.chat_id].add_done_callback(partial(_forget, busy, chat.chat_id))
            await wakes.wait("outgoing", timeout=POLL_SECONDS)
    finally:
        # A call that is cut leaves its outcome unknown, and its chat would wait until that is found out.
        stopping.set()
        tasks = list(busy.values())
        if tasks:
            await asyncio.wait(tasks, timeout=farewell)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def deliver_next(database: Database, tenant_id: TenantId, chat_id: ChatId, *, dial: Dial) -> bool:
    """Do the next thing that is due in a chat; return whether there was one."""
    viewer = system_viewer(tenant_id=tenant_id)
    async with database.writing(tenant_id, _CAUSE) as uow:
        errand = await deliveries.claim(uow, viewer, chat_id=chat_id)
    if errand is None:
        return False
    step = _Steps(database, viewer, errand, dial(errand.channel))
    if errand.delivery.unconfirmed_at is not None:
        await step.look()
    elif errand.delivery.abandoned:
        log.warning("send.abandoned", message_id=str(errand.message_id))
        await step.lose_sight()
    else:
        await step.send()
    return True


_CAUSE = Cause(correlation_id="outbound", actor="system")


def _forget(busy: dict[ChatId, asyncio.Task[None]], chat_id: ChatId, _: asyncio.Task[None]) -> None:
    busy.pop(chat_id, None)


async def _empty(
    database: Database, tenant_id: TenantId, chat_id: ChatId, *, dial: Dial, stopping: asyncio.Event
) -> None:
    try:
        while not stopping.is_set() and await deliver_next(database, tenant_id, chat_id, dial=dial):
            pass
    except Exception as error:  # noqa: BLE001 One chat's trouble stops no other; the lease brings it back.
        heed_cancellation()
        log.warning("outbound.failed", chat_id=str(chat_id), error=repr(error))
        await asyncio.sleep(1)


class _Steps:
    """What can be done with one errand."""

    def __init__(self, database: Database, viewer: Viewer, errand: Errand, waha: Waha) -> None:
        self.database = database
        self.viewer = viewer
        self.errand = errand
        self.waha = waha
        self.session = errand.channel.waha_session

    async def send(self) -> None:
        """Make one attempt."""
        errand = self.errand
        if errand.channel.status is not ChannelStatus.ACTIVE:
            await self.retry_later(
                f"The channel is {errand.channel.status.value}.", after=None, code="OFFLINE"
            )
            return
        try:
            address = errand.address
            if errand.is_first and (phone := address.phone) is not None:
                found = await self.waha.check_exists(self.session, phone)
                if found is None:
                    await self.refuse("The number has no WhatsApp account.", code="NOT_ON_WHATSAPP")
                    return
                if found != address:
                    address = found
                    async with self.writing() as uow:
                        await deliveries.readdress(uow, self.viewer, errand=errand, address=found)
            message_id = errand.external_id or await self._message_id()
        except Rejected as problem:
            await self.refuse(problem.reason, code=problem.code)
            return
        except (Unavailable, Ambiguous) as problem:
            # Only questions were asked so far.
            await self.retry_later(
                problem.reason, after=getattr(problem, "retry_after", None), code=problem.code
            )
            return
        async with self.writing() as uow:
            await deliveries.begin(uow, self.viewer, errand=errand, external_id=message_id)
        try:
            with DURATION.time():
                result = await self.waha.send(
                    self.session,
                    address,
                    errand.content,
                    message_id=message_id,
                    reply_to=errand.reply_to,
                )
        except Rejected as problem:
            await self.refuse(problem.reason, code=problem.code)
        except Unavailable as problem:
            await self.retry_later(problem.reason, after=problem.retry_after, code=problem.code)
        except Ambiguous as problem:
            log.warning("send.ambiguous", message_id=str(errand.message_id), code=problem.code)
            await self.lose_sight()
        except asyncio.CancelledError:
            # The next worker is to look for the message at once, not when the lease has passed.
            await self.lose_sight()
            raise
        else:
            await self.accept(result.external_id or message_id, result.timestamp)

    async def accept(self, external_id: str | None, sent_at: datetime | None) -> None:
        """Note that WAHA took the message. Without its id the echo could not be told from a second message."""
        if external_id is None:
            log.warning("send.nameless", message_id=str(self.errand.message_id))
            await self.lose_sight()
            return
        ATTEMPTS.labels("sent").inc()
        async with self.writing() as uow:
            await deliveries.confirm(
                uow, self.viewer, errand=self.errand, external_id=external_id, sent_at=sent_at
            )

    async def look(self) -> None:
        """Find out what became of an attempt whose answer never came."""
        errand = self.errand
        try:
            found = await self._find()
        except (Unavailable, Ambiguous, Rejected) as problem:
            log.info("look.failed", message_id=str(errand.message_id), code=problem.code)
            async with self.writing() as uow:
                await deliveries.look_later(uow, self.viewer, errand=errand)
            return
        async with self.writing() as uow:
            if found is not None:
                ATTEMPTS.labels("found").inc()
                await deliveries.confirm(uow, self.viewer, errand=errand, external_id=found, sent_at=None)
            elif errand.external_id is not None and errand.status is MessageStatus.UNCONFIRMED:
                # The engine knows every id it sent: this one never left, and may be used again.
                ATTEMPTS.labels("again").inc()
                await deliveries.send_again(uow, self.viewer, errand=errand)
            else:
                await deliveries.look_later(uow, self.viewer, errand=errand)

    async def lose_sight(self) -> None:
        """Note that the outcome is unknown."""
        ATTEMPTS.labels("unconfirmed").inc()
        async with self.writing() as uow:
            await deliveries.lose_sight(uow, self.viewer, errand=self.errand)

    async def refuse(self, reason: str, *, code: str) -> None:
        """Note that the message will never be sent."""
        ATTEMPTS.labels("rejected").inc()
        log.info("send.rejected", message_id=str(self.errand.message_id), code=code)
        async with self.writing() as uow:
            await deliveries.refuse(uow, self.viewer, errand=self.errand, reason=reason)

    async def retry_later(self, reason: str, *, after: float | None, code: str) -> None:
        """Try again after a pause."""
        ATTEMPTS.labels("unavailable").inc()
        log.info("send.unavailable", message_id=str(self.errand.message_id), code=code)
        async with self.writing() as uow:
            await deliveries.retry_later(uow, self.viewer, errand=self.errand, reason=reason, after=after)

    def writing(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin a transaction of the message's tenant."""
        return self.database.writing(self.viewer.tenant_id, _CAUSE)

    async def _message_id(self) -> str | None:
        engine = self.errand.channel.engine
        if engine is None:
            engine = (await self.waha.version()).engine
        if engine is None or not engine.takes_message_ids or not sends.takes_message_id(self.errand.content):
            return None
        return await self.waha.new_message_id(self.session)

    async def _find(self) -> str | None:
        """Return the WhatsApp id under which the message exists, or None."""
        errand = self.errand
        if errand.external_id is not None:
            found = await self.waha.find_message(
                self.session, errand.address, errand.external_id, engine=errand.channel.engine
            )
            return errand.external_id if found is not None else None
        since = errand.composed_at - _CLOCK_SKEW
        recent = await self.waha.recent_messages(self.session, errand.address, limit=_LOOK_BACK, since=since)
        candidates = [
            bare(one.get("id")) for one in recent if one.get("fromMe") is True and _is_same(one, errand)
        ]
        async with self.database.reading(self.viewer.tenant_id) as reader:
            for candidate in reversed([one for one in candidates if one is not None]):
                if not await reader.messages.by_chat_and_external_id([(errand.chat_id, candidate)]):
                    return candidate
        return None


def _is_same(told: Node, errand: Errand) -> bool:
    content = waha_messages.content_of(told)
    if isinstance(content, Nothing):
        return False
    return (content.kind, content.text) == (errand.content.kind, errand.content.text)
