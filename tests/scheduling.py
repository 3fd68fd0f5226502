"""What tests of scheduled messages need: a desk that schedules, and a look at what came of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.crm.content import TextContent
from domain.crm.scheduled_message import Author, Lateness, ScheduledMessage
from domain.ids import ApiKeyId, ScheduledMessageId
from domain.values import PhoneNumber
from jobs import scheduled_messages as jobs
from persistence import bulk
from persistence.crm.scheduled_messages import SCHEDULED_DUE, scheduled_messages
from persistence.database import Database
from persistence.events import Cause
from persistence.unit_of_work import UnitOfWork
from services.crm import scheduled_messages as service
from services.viewer import Viewer
from tests.bursts import CAUSE, Counter, instant
from tests.factories import Shop
from tests.waha import MARIA

NUMBER = PhoneNumber(f"+{MARIA.phone}")


class Desk(Counter):
    """A shop's counter that also writes ahead. Times are seconds after `START`."""

    async def schedule(
        self, text: str, *, at: float, viewer: Viewer | None = None, **more: Any
    ) -> ScheduledMessage:
        """Schedule a message to Maria's number, or as `more` says."""
        where = {"chat_id": None, "to": NUMBER, "channel_id": self.shop.channel_id}
        rest = {"reply_to_id": None, "client_message_id": None, "lateness": Lateness()}
        async with self.database.writing(self.shop.tenant_id, CAUSE) as uow:
            return await service.schedule(
                uow,
                viewer or self.shop.viewer,
                send_at=instant(at),
                content=TextContent(text=text),
                **(where | rest | more),
            )

    async def schedule_in_chat(self, text: str, *, at: float, **more: Any) -> ScheduledMessage:
        """Schedule a message into the chat that was opened first."""
        chat = {"chat_id": await self.chat_id(), "to": None, "channel_id": None}
        return await self.schedule(text, at=at, **chat, **more)

    async def send(self, *, at: float | None = None) -> list[ScheduledMessageId]:
        """Send what is due, as the timer does; return what was looked after."""
        if at is not None:
            self.clock.go(at)
        due = await SCHEDULED_DUE.due(self.database.system, now=self.clock.now(), limit=500)
        found: list[ScheduledMessageId] = []
        for tenant_id, ids in due.items():
            found += await jobs.send_due(self.database, tenant_id, ids)
        return found

    async def outcomes(self) -> list[tuple[str, str | None]]:
        """What became of each scheduled message, by its time."""
        return await self.rows("SELECT status, failure_reason FROM scheduled_messages ORDER BY send_at, id")

    async def sent(self) -> list[str]:
        """The texts of our messages, in the order they were queued."""
        return [
            text
            for (text,) in await self.rows(
                "SELECT text FROM messages WHERE direction = 'OUTBOUND' ORDER BY sent_at, id"
            )
        ]

    async def events(self) -> list[str]:
        """What was published about scheduled messages."""
        rows = await self.database.system.fetch(
            "SELECT event_type FROM outbox WHERE aggregate_type = 'scheduled_message' ORDER BY id"
        )
        return [row[0] for row in rows]


class Interrupted(Database):
    """A database whose n-th transaction for writing is interrupted: before it, after its changes, or after its commit."""

    def __init__(self, database: Database, moment: str, *, error: Exception, on: int = 1) -> None:
        self.__dict__.update(database.__dict__)
        self._moment, self._error, self._on, self.count = moment, error, on, 0

    @asynccontextmanager
    async def writing(self, tenant_id: UUID, cause: Cause) -> AsyncIterator[UnitOfWork]:
        self.count += 1
        is_hit = self.count == self._on
        if is_hit and self._moment == "before":
            raise self._error
        async with super().writing(tenant_id, cause) as uow:
            yield uow
            if is_hit and self._moment == "within":
                raise self._error
        if is_hit and self._moment == "after":
            raise self._error


class Crossed(Database):
    """A database where something else is done, and committed, between the changes of a transaction and its commit."""

    def __init__(self, database: Database, cross: Callable[[], Any]) -> None:  # Any: an awaitable.
        self.__dict__.update(database.__dict__)
        self._cross: Callable[[], Any] | None = cross

    @asynccontextmanager
    async def writing(self, tenant_id: UUID, cause: Cause) -> AsyncIterator[UnitOfWork]:
        async with super().writing(tenant_id, cause) as uow:
            yield uow
            cross, self._cross = self._cross, None
            if cross is not None:
                await cross()


async def add_scheduled(
    database: Database, shop: Shop, count: int, *, wait: timedelta, numbers: int | None = None
) -> list[ScheduledMessage]:
    """File messages that are due together after a wait, to as many numbers, in turns, as are given."""
    send_at = database.clock.now() + wait
    filed = [
        ScheduledMessage.schedule(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            channel_id=shop.channel_id,
            chat_id=None,
            to=PhoneNumber(f"+5511{900_000_000 + number % (numbers or count)}"),
            content=TextContent(text=f"{number}"),
            reply_to_external_id=None,
            author=Author(api_key_id=ApiKeyId(shop.viewer.id), agent_id=shop.viewer.agent_id),
            client_message_id=None,
            send_at=send_at + timedelta(microseconds=number),
            lateness=Lateness(),
            at=send_at - timedelta(hours=1),
        )
        for number in range(count)
    ]
    async with database.tenant_transaction(shop.tenant_id) as connection:
        await bulk.insert_aggregates(connection, scheduled_messages, filed)
    return filed
