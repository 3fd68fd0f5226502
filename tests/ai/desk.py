"""A shop whose channel is answered by an AI agent, with people who write in bursts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ai.agent_settings import AgentSettings
from domain.ai.price import Price, Prices
from domain.crm.chat import Chat
from domain.crm.contact import Contact
from domain.crm.message import Message, MessageDirection
from domain.crm.message_group import GroupPart, MessageGroup
from domain.crm.session import Session
from domain.identity.agent import Agent, AgentType
from domain.ids import AgentId, ChatId, ContactId, MessageGroupId, SessionId, new_id
from jobs import agents
from persistence.database import Database
from services.ports import ChatModel
from tests.factories import CLOCK, Shop, open_shop
from tests.graphql.builders import CAUSE, a_chat, a_contact, a_message, a_session

PRICES = Prices({"aisim-chat": Price(prompt=1_000_000, completion=2_000_000)})
EVERY_TOOL = (
    "look_up_contact",
    "remember_fact",
    "rename_contact",
    "list_session_summaries",
    "search_messages",
    "assign_session",
    "close_session",
    "stay_silent",
)
INSTRUCTIONS = "Você atende a padaria do bairro. Seja breve."


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who writes."""

    contact_id: ContactId
    chat_id: ChatId
    session_id: SessionId


@dataclass(kw_only=True)
class Desk:
    """The shop, its agent, and the model."""

    database: Database
    shop: Shop
    agent_id: AgentId
    model: ChatModel
    numbers: list[int] = field(default_factory=lambda: [0])

    async def meet(self, name: str = "Maria", *, phone: str = "+5511999990001") -> Person:
        """Somebody with a chat and a session that goes on."""
        async with self.writing() as uow:
            contact = a_contact(uow, self.shop, name, phone)
            chat = a_chat(uow, self.shop, contact, f"{phone[1:]}@c.us")
            session = a_session(uow, self.shop, chat, CLOCK.now() - timedelta(minutes=5))
        return Person(contact_id=contact.id, chat_id=chat.id, session_id=session.id)

    async def said(
        self, person: Person, text: str, *, ours: bool = False, ago: timedelta = timedelta(minutes=2)
    ) -> Message:
        """An earlier message, theirs or ours."""
        async with self.writing() as uow:
            chat = await uow.chats.get_for_update(person.chat_id)
            session = await uow.sessions.get_for_update(person.session_id)
            return a_message(
                uow,
                self.shop,
                chat,
                text,
                external_id=self._next(),
                sent_at=CLOCK.now() - ago,
                session=session,
                direction=MessageDirection.OUTBOUND if ours else MessageDirection.INBOUND,
            )

    async def burst(self, person: Person, *texts: str) -> tuple[MessageGroup, UUID]:
        """A burst that was taken by a worker and read: the group, and the worker's token."""
        said = [await self.said(person, text, ago=timedelta(seconds=30)) for text in texts]
        token = new_id()
        async with self.writing() as uow:
            channel = await uow.channels.find(self.shop.channel_id)
            assert channel is not None
            group = MessageGroup.open(
                tenant_id=self.shop.tenant_id,
                project_id=self.shop.project_id,
                channel_id=channel.id,
                chat_id=person.chat_id,
                contact_id=person.contact_id,
                session_id=person.session_id,
                message_id=said[0].id,
                sent_at=said[0].sent_at,
                grouping=channel.bursts,
                is_behind=False,
                at=uow.now,
            )
            for one in said[1:]:
                group.add(one.id, sent_at=one.sent_at, grouping=channel.bursts, at=uow.now)
            group.flush(at=uow.now)
            group.begin(at=uow.now)
            assert group.take(token, at=uow.now)
            group.read(
                [
                    GroupPart(message_id=one.id, kind="TEXT", sent_at=one.sent_at, text=one.text or "")
                    for one in said
                ],
                at=uow.now,
            )
            uow.message_groups.add(group)
        return group, token

    async def take_over(self, group: MessageGroup) -> tuple[MessageGroup, UUID]:
        """The burst in the hands of another worker, after the first one died."""
        token = new_id()
        async with self.writing() as uow:
            found = await uow.message_groups.get_for_update(group.id)
            found.hand_out(at=uow.now)
            assert found.take(token, at=uow.now)
        return found, token

    async def answer(self, group: MessageGroup, token: UUID, **more: Any) -> bool:
        """Let the agent answer."""
        wanted = {"chat_model": self.model, "prices": PRICES} | more
        return await agents.answer(self.database, group, token, **wanted)

    def writing(self) -> Any:
        return self.database.writing(self.shop.tenant_id, CAUSE)

    async def configure(self, **changes: Any) -> None:
        """Change the agent's settings."""
        async with self.writing() as uow:
            agent = await uow.agents.get_for_update(self.agent_id)
            agent.update(name=agent.name, email=None, ai=settings(**changes), at=uow.now)

    async def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """What the tenant has in the database."""
        async with self.database.tenant_transaction(self.shop.tenant_id) as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]

    async def run(self) -> dict[str, Any]:
        """The only run."""
        (found,) = await self.rows("SELECT * FROM ai_runs")
        return found

    async def replies(self) -> list[str]:
        """What the agent sent, in order."""
        rows = await self.rows("SELECT text FROM messages WHERE origin = 'AUTOMATION' ORDER BY id")
        return [row["text"] for row in rows]

    async def events(self, *types: str) -> list[str]:
        """The types of events so far, only these."""
        async with self.database.system.acquire() as connection:
            rows = await connection.fetch(
                "SELECT event_type FROM outbox WHERE event_type = ANY($1) ORDER BY id", list(types)
            )
        return [row["event_type"] for row in rows]

    async def group(self, id_: MessageGroupId) -> MessageGroup:
        async with self.database.reading(self.shop.tenant_id) as reader:
            found = await reader.message_groups.find(id_)
        assert found is not None
        return found

    async def chat(self, person: Person) -> Chat:
        async with self.database.reading(self.shop.tenant_id) as reader:
            found = await reader.chats.find(person.chat_id)
        assert found is not None
        return found

    async def session(self, person: Person) -> Session:
        async with self.database.reading(self.shop.tenant_id) as reader:
            found = await reader.sessions.find(person.session_id)
        assert found is not None
        return found

    async def contact(self, person: Person) -> Contact:
        async with self.database.reading(self.shop.tenant_id) as reader:
            found = await reader.contacts.find(person.contact_id)
        assert found is not None
        return found

    def _next(self) -> str:
        self.numbers[0] += 1
        return f"M{self.numbers[0]:04}"


def settings(**changes: Any) -> AgentSettings:
    """Settings of an agent that may call everything."""
    return AgentSettings(**{"instructions": INSTRUCTIONS, "tools": EVERY_TOOL} | changes)


async def open_desk(database: Database, model: ChatModel, *, name: str = "Padaria", **changes: Any) -> Desk:
    """Set up a shop with an agent in charge of its channel."""
    shop = await open_shop(database, name=name)
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        agent = uow.agents.add(
            Agent.create(
                tenant_id=shop.tenant_id,
                project_id=shop.project_id,
                type=AgentType.AI,
                name="Atendente",
                email=None,
                ai=settings(**changes),
                at=uow.now,
            )
        )
        channel = await uow.channels.get_for_update(shop.channel_id)
        channel.configure(agent_id=agent.id, at=uow.now)
    return Desk(database=database, shop=shop, agent_id=agent.id, model=model)


def call(name: str, /, **arguments: object) -> dict[str, object]:
    """A call of a tool, for a prepared answer."""
    return {"name": name, "arguments": arguments}


def conversations(requests: Sequence[Any]) -> list[list[dict[str, Any]]]:
    """The messages of each request to the model."""
    return [one["body"]["messages"] for one in requests]
