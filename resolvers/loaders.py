"""Data loaders: what many fields of one operation ask for one by one is fetched in one statement."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from domain.ai.contact_fact import ContactFact
from domain.ai.run import AiRun
from domain.ai.session_summary import SessionSummary
from domain.ai.usage import AiUsage
from domain.base import Aggregate
from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.contact import Contact, ContactIdentity
from domain.crm.enrichment import Enrichment
from domain.crm.message import Message
from domain.crm.message_group import MessageGroup
from domain.crm.pipeline import Pipeline
from domain.crm.session import Session
from domain.identity.agent import Agent
from domain.ids import ChatId, MessageId, ProjectId
from domain.operations.job_run import JobRun
from persistence.ai_usage import usage
from persistence.crm.channels import Traffic
from persistence.paging import Branch, Listing, Page, PageRequest
from persistence.repository import Repository
from persistence.unit_of_work import Reader

A = TypeVar("A", bound=Aggregate)
D = TypeVar("D")
E = TypeVar("E")
K = TypeVar("K")
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
        # Any: loaders of pages of every kind of rows.
        self._pages: dict[object, DataLoader[UUID, Page[Any]]] = {}
        self._counts: dict[object, DataLoader[UUID, int]] = {}

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
    def message_groups(self) -> DataLoader[UUID, MessageGroup | None]:
        """Bursts of messages by id."""
        return self._by_id(lambda reader: reader.message_groups)

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

    @cached_property
    def ai_runs(self) -> DataLoader[UUID, AiRun | None]:
        """What agents did about bursts, by the burst."""
        return self._batched(lambda reader, ids: reader.ai_runs.of_groups(ids), missing=_nothing)

    @cached_property
    def session_summaries(self) -> DataLoader[UUID, SessionSummary | None]:
        """What sessions were about, by the session's id."""
        return self._by_id(lambda reader: reader.session_summaries)

    @cached_property
    def contact_facts(self) -> DataLoader[UUID, list[ContactFact]]:
        """What is remembered about contacts, oldest first."""
        return self._batched(lambda reader, ids: reader.contact_facts.about_many(ids), missing=list)

    @cached_property
    def job_runs(self) -> DataLoader[UUID, JobRun | None]:
        """Job runs by id."""
        return self._by_id(lambda reader: reader.job_runs)

    @cached_property
    def identities(self) -> DataLoader[UUID, list[ContactIdentity]]:
        """The identities of contacts, oldest first."""
        return self._batched(lambda reader, ids: reader.contacts.identities_of(ids), missing=list)

    @cached_property
    def active_sessions(self) -> DataLoader[UUID, Session | None]:
        """The session that goes on in a chat."""
        return self._batched(lambda reader, ids: reader.sessions.active_in(ids), missing=_nothing)

    @cached_property
    def first_responses(self) -> DataLoader[UUID, int | None]:
        """Seconds until the first answer in a session."""
        return self._batched(
            lambda reader, ids: reader.sessions.first_response_seconds(ids), missing=_nothing
        )

    @cached_property
    def traffic(self) -> DataLoader[UUID, Traffic]:
        """What went through a channel."""
        return self._batched(lambda reader, ids: reader.channels.traffic(ids), missing=Traffic)

    @cached_property
    def enrichments_of(self) -> DataLoader[UUID, list[Enrichment]]:
        """What is found out about the files of messages, the most urgent first."""
        return self._batched(
            lambda reader, ids: reader.enrichments.of_messages([MessageId(id_) for id_ in ids]), missing=list
        )

    @cached_property
    def ai_usage(self) -> DataLoader[UUID, list[AiUsage]]:
        """What projects spent on AI providers today."""
        return self._batched(
            lambda reader, ids: usage(
                reader.session, project_ids=[ProjectId(id_) for id_ in ids], at=reader.now
            ),
            missing=list,
        )

    @cached_property
    def replied(self) -> DataLoader[tuple[ChatId, str], Message | None]:
        """Messages by chat and WhatsApp's id, for what others answer to."""
        return self._batched(
            lambda reader, keys: reader.messages.by_chat_and_external_id(keys), missing=_nothing
        )

    def pages(self, branch: Branch[E], listing: Listing, request: PageRequest) -> DataLoader[UUID, Page[E]]:
        """Pages of what belongs to parents; those that want the same are answered in one statement."""
        key = (branch, listing, request)
        if key not in self._pages:
            self._pages[key] = self._batched(
                lambda reader, parents: branch.pages(reader.session, parents, listing, request),
                missing=_no_page,
            )
        return self._pages[key]

    def counts(self, branch: Branch[E], listing: Listing) -> DataLoader[UUID, int]:
        """How many rows belong to parents."""
        key = (branch, listing)
        if key not in self._counts:
            self._counts[key] = self._batched(
                lambda reader, parents: branch.counts(reader.session, parents, listing), missing=int
            )
        return self._counts[key]

    def _by_id(self, repository: Callable[[Reader], Repository[A]]) -> DataLoader[UUID, A | None]:
        return self._batched(lambda reader, ids: repository(reader).find_many(ids), missing=_nothing)

    def _batched(
        self,
        query: Callable[[Reader, list[K]], Awaitable[Mapping[Any, T]]],  # Any: a NewType of the keys.
        *,
        missing: Callable[[], D],
    ) -> DataLoader[K, T | D]:
        async def load(keys: list[K]) -> Sequence[T | D]:
            found = await self._source.fetch(lambda reader: query(reader, keys))
            return [found[key] if key in found else missing() for key in keys]

        return DataLoader(load)


def _nothing() -> None:
    return None


def _no_page() -> Page[Any]:  # Any: an empty page is one of anything.
    return Page(items=(), positions=(), has_previous=False, has_next=False)
