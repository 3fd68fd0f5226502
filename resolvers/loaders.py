"""Data loaders: what many fields of one operation ask for one by one is fetched in one statement."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Protocol, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.base import Aggregate
from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.contact import Contact
from domain.crm.message import Message
from domain.crm.pipeline import Pipeline
from domain.crm.session import Session
from domain.identity.agent import Agent
from persistence.repository import Repository
from persistence.unit_of_work import Reader

A = TypeVar("A", bound=Aggregate)
T = TypeVar("T")


class Source(Protocol):
    """Where loaders read: a context's snapshot."""

    async def fetch(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a query in the snapshot."""
        ...


class Loaders:
    """The loaders of one snapshot; a loader that outlived it would serve stale rows."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @cached_property
    def contacts(self) -> DataLoader[UUID, Contact | None]:
        """Contacts by id, deleted ones included, because their conversations stay."""
        return self._by_id(lambda reader: reader.contacts)

    @cached_property
    def chats(self) -> DataLoader[UUID, Chat | None]:
        """Chats by id."""
        return self._by_id(lambda reader: reader.chats)

    @cached_property
    def sessions(self) -> DataLoader[UUID, Session | None]:
        """Sessions by id."""
        return self._by_id(lambda reader: reader.sessions)

    @cached_property
    def messages(self) -> DataLoader[UUID, Message | None]:
        """Messages by id."""
        return self._by_id(lambda reader: reader.messages)

    @cached_property
    def channels(self) -> DataLoader[UUID, Channel | None]:
        """Channels by id, deleted ones included."""
        return self._by_id(lambda reader: reader.channels)

    @cached_property
    def agents(self) -> DataLoader[UUID, Agent | None]:
        """Agents by id."""
        return self._by_id(lambda reader: reader.agents)

    @cached_property
    def pipelines(self) -> DataLoader[UUID, Pipeline | None]:
        """Pipelines by id."""
        return self._by_id(lambda reader: reader.pipelines)

    def _by_id(self, repository: Callable[[Reader], Repository[A]]) -> DataLoader[UUID, A | None]:
        async def load(ids: list[UUID]) -> Sequence[A | None]:
            found = await self._source.fetch(lambda reader: repository(reader).find_many(ids))
            return [found.get(id_) for id_ in ids]

        return DataLoader(load)
