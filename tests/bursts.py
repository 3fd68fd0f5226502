"""What tests of bursts need: a clock to set, a person who writes, and a look at the groups that come of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.crm.channel import ChannelSettings
from domain.crm.chat import Chat, ChatType
from domain.crm.content import TextContent
from domain.crm.grouping import Grouping
from domain.crm.message import Message, MessageDirection, MessageOrigin
from domain.crm.message_group import MessageGroup
from domain.ids import ChatId, MessageGroupId, new_id, parse_type_id
from domain.operations.queue import JobOrder
from jobs import message_groups
from persistence import bulk
from persistence.crm.chats import chats
from persistence.crm.message_groups import GROUPS_DUE
from persistence.crm.message_groups import message_groups as message_groups_table
from persistence.crm.messages import messages as messages_table
from persistence.database import Database
from persistence.events import Cause
from services.crm import messages
from services.viewer import Viewer
from tests.factories import Shop, receive, work_off
from tests.waha import MARIA, START, Person, Script

CAUSE = Cause(correlation_id="test", actor="test")


@dataclass
class Moment:
    """A clock that stands still until it is set, in seconds after `START`."""

    at: datetime = field(default_factory=lambda: instant(0))

    def now(self) -> datetime:
        return self.at

    def go(self, seconds: float) -> None:
        self.at = instant(seconds)


def instant(seconds: float) -> datetime:
    """That many seconds after `START`."""
    return datetime.fromtimestamp(START, UTC) + timedelta(seconds=seconds)


def typing(script: Script, *, by: Person = MARIA, at: float = 0) -> bytes:
    """Somebody types."""
    chat = f"{by.phone}@c.us"
    return script._event(
        "presence.update",
        {"id": chat, "presences": [{"participant": chat, "lastKnownPresence": "typing"}]},
        at=int(at),
    )


def _orders() -> "Orders":
    return Orders()


@dataclass
class Counter:
    """A shop's counter: people write to it, and workers look after their bursts."""

    database: Database
    shop: Shop
    clock: Moment
    script: Script = field(default_factory=Script)
    queue: "Orders" = field(default_factory=_orders)
    _told: int = 0

    async def configure(self, **settings: Any) -> None:  # Any: ChannelSettings.
        """Change the channel's settings."""
        wanted: ChannelSettings = {**settings}  # type: ignore[typeddict-item] # As given.
        async with self.database.writing(self.shop.tenant_id, CAUSE) as uow:
            channel = await uow.channels.get_for_update(self.shop.channel_id)
            channel.configure(at=uow.now, **wanted)

    async def hear(self, *bodies: bytes, at: float | None = None) -> None:
        """File webhooks, at an instant if one is given."""
        if at is not None:
            self.clock.go(at)
        await receive(self.database, self.shop, bodies)
        await work_off(self.database)

    async def say(self, text: str, *, at: int, **more: Any) -> str:  # Any: arguments of Script.message.
        """Let somebody write, and return the WhatsApp id."""
        self._told += 1
        wa_id = f"W{self._told:05}"
        await self.hear(self.script.message(wa_id, text=text, at=at, **more), at=at)
        return wa_id

    async def claim(self, *, at: float | None = None) -> list[MessageGroup]:
        """Look after every group that is due, as the timer does, and return those that were handed out."""
        if at is not None:
            self.clock.go(at)
        found: list[MessageGroupId] = []
        due = await GROUPS_DUE.due(self.database.system, now=self.clock.now(), limit=500)
        for tenant_id, ids in due.items():
            found += await message_groups.claim(self.database, tenant_id, ids, queue=self.queue)
        return [await self.group(id_) for id_ in found]

    async def work(self, *, at: float | None = None) -> list[str | None]:
        """Claim and work on what is due, and return the texts of what was completed."""
        return [
            (await self.group(group.id)).text
            for group in await self.claim(at=at)
            if await message_groups.process(self.database, self.shop.tenant_id, group.id, answer=None)
        ]

    async def reply(self, text: str, *, at: float, viewer: Viewer | None = None) -> None:
        """Write to Maria from the console."""
        self.clock.go(at)
        async with self.database.writing(self.shop.tenant_id, CAUSE) as uow:
            await messages.send(
                uow,
                viewer or self.shop.viewer,
                chat_id=await self.chat_id(),
                to=None,
                channel_id=None,
                content=TextContent(text=text),
                reply_to_id=None,
                client_message_id=None,
            )

    async def chat_id(self) -> ChatId:
        """The chat that was opened first."""
        return ChatId(await self.value("SELECT id FROM chats ORDER BY created_at, id LIMIT 1"))

    async def group(self, id_: MessageGroupId) -> MessageGroup:
        """One group as it is now."""
        async with self.database.reading(self.shop.tenant_id) as reader:
            return (await reader.message_groups.find_many([id_]))[id_]

    async def groups(self) -> list[tuple[str, str | None, str]]:
        """Every group's status, reason, and the WhatsApp ids of its messages as one text, oldest group first."""
        rows = await self.rows(
            """
            SELECT g.status, g.cancel_reason, coalesce((
              SELECT string_agg(m.text, ' ' ORDER BY m.sent_at, m.id) FROM messages m
              WHERE m.id::text IN (SELECT jsonb_array_elements_text(g.message_ids))), '')
            FROM message_groups g ORDER BY g.opened_at, g.id
            """
        )
        return [(status, reason, said) for status, reason, said in rows]

    async def windows(self) -> list[tuple[float, float]]:
        """When every group expires, and its deadline, in seconds after `START`."""
        start = instant(0)
        rows = await self.rows("SELECT expires_at, deadline_at FROM message_groups ORDER BY opened_at, id")
        return [((one - start).total_seconds(), (two - start).total_seconds()) for one, two in rows]

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:  # Any: columns.
        """What a query of the tenant finds."""
        async with self.database.tenant_transaction(self.shop.tenant_id) as connection:
            return [tuple(row) for row in await connection.fetch(query, *values)]

    async def value(self, query: str, *values: object) -> Any:  # Any: a column.
        """The one value a query of the tenant finds."""
        return (await self.rows(query, *values))[0][0]

    async def check(self) -> None:
        """Every message that belongs into a group is in the one that it names, and in no other."""
        assert (
            await self.rows(
                """
                SELECT m.external_id, m.group_id, array_agg(g.id) FROM messages m
                JOIN chats c ON c.id = m.chat_id AND c.type = 'INDIVIDUAL'
                LEFT JOIN message_groups g ON g.message_ids @> jsonb_build_array(m.id::text) AND g.cancel_reason IS DISTINCT FROM 'MERGED'
                WHERE m.direction = 'INBOUND' AND m.revoked_at IS NULL
                GROUP BY 1, 2 HAVING array_agg(g.id) <> ARRAY[m.group_id]
                """
            )
            == []
        )


@dataclass
class Orders:
    """A queue that notes which groups are to be worked on."""

    group_ids: list[UUID] = field(default_factory=list)

    async def enqueue(self, *_: object, **__: object) -> int:
        raise AssertionError("Groups are handed out together.")

    async def enqueue_many(self, orders: Sequence[JobOrder]) -> int:
        self.group_ids += [parse_type_id(str(one))[1] for order in orders for one in order.args[1:]]
        return len(orders)


async def add_groups(
    database: Database, shop: Shop, count: int, *, window: timedelta, stagger: timedelta = timedelta()
) -> list[MessageGroup]:
    """File groups of one message each, each in a chat of its own, that end after the window, one after another."""
    now = database.clock.now()
    opened, written, grouped = [], [], []
    for number in range(count):
        chat = Chat.open(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            channel_id=shop.channel_id,
            type=ChatType.GROUP,
            external_id=f"{new_id().int % 10**18}@g.us",
            contact_id=None,
            at=now,
        )
        opened.append(chat)
        message = Message.receive(
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            channel_id=shop.channel_id,
            chat_id=chat.id,
            contact_id=None,
            session_id=None,
            direction=MessageDirection.INBOUND,
            origin=MessageOrigin.LIVE,
            content=TextContent(text=f"Oi {number}"),
            external_id=f"G{new_id().hex}",
            sent_at=now,
            at=now,
        )
        written.append(message)
        grouped.append(
            MessageGroup.open(
                tenant_id=shop.tenant_id,
                project_id=shop.project_id,
                channel_id=shop.channel_id,
                chat_id=chat.id,
                contact_id=None,
                session_id=None,
                message_id=message.id,
                sent_at=now,
                grouping=Grouping(
                    window=window + number * stagger,
                    cap=timedelta(hours=1),
                    max_messages=50,
                    is_extended_by_typing=False,
                ),
                is_behind=False,
                at=now,
            )
        )
        message.group_id = grouped[-1].id
    async with database.tenant_transaction(shop.tenant_id) as connection:
        await bulk.insert_aggregates(connection, chats, opened)
        await bulk.insert_aggregates(connection, message_groups_table, grouped)
        await bulk.insert_aggregates(connection, messages_table, written)
    return grouped
