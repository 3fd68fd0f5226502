"""What happens, as it happens: the event log of the viewer's project, followed live."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

import structlog

from domain.base import REGISTRY
from domain.crm.chat import Chat
from domain.crm.message import Message
from domain.crm.message_group import MessageGroup
from domain.crm.session import Session
from domain.identity.permission import Permission
from domain.ids import PREFIXES, ChatId, MessageId, type_id
from persistence.event_log import LoggedEvent
from persistence.outages import heed_cancellation, is_outage
from resolvers.context import Context, Progress
from resolvers.cursors import event_cursor, parse_event_cursor
from resolvers.errors import BadUserInput, LiveUnavailable
from resolvers.ids import private, public
from resolvers.loaders import Loaders

log = structlog.get_logger()

T = TypeVar("T")

_RECEIVED = "message.received"
_READ_FILE = {"enrichment.completed", "enrichment.failed", "enrichment.skipped"}
"""They happen to what is found out about a message, and change the message that clients see."""

_MOST_TYPES = 100
_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Happening(Generic[T]):
    """An event and the object it happened to, as that object is now."""

    event: LoggedEvent
    node: T


async def events(
    context: Context,
    *,
    after: str | None = None,
    types: Sequence[str] | None = None,
    chat_id: str | None = None,
) -> AsyncGenerator[LoggedEvent, None]:
    """Yield the project's events; only those types and only those that name the chat, where asked."""
    context.viewer.require(Permission.EVENTS_READ)
    wanted = None if types is None else _known(types)
    chat = _chat(chat_id)
    async with aclosing(_follow(context, after)) as followed:
        async for batch in followed:
            for event in batch:
                _note(context, event)
                if (wanted is None or event.type in wanted) and _names(event, chat):
                    yield event


async def messages_received(
    context: Context, *, after: str | None = None, chat_id: str | None = None
) -> AsyncGenerator[Happening[Message], None]:
    """Yield each message that somebody else writes."""
    context.viewer.require(Permission.MESSAGES_READ)
    chat = _chat(chat_id)
    async with aclosing(
        _happenings(context, after, lambda one: one.type == _RECEIVED and _names(one, chat), _messages)
    ) as happenings:
        async for happening in happenings:
            yield happening


async def messages_updated(
    context: Context, *, after: str | None = None, chat_id: str | None = None
) -> AsyncGenerator[Happening[Message], None]:
    """Yield each message of ours, and every message whose state, wording, reactions, file or its text change."""
    context.viewer.require(Permission.MESSAGES_READ)
    chat = _chat(chat_id)

    def is_wanted(event: LoggedEvent) -> bool:
        is_change = event.aggregate_type == Message.kind and event.type != _RECEIVED
        return (is_change or event.type in _READ_FILE) and _names(event, chat)

    async with aclosing(_happenings(context, after, is_wanted, _messages, _message_of)) as happenings:
        async for happening in happenings:
            yield happening


async def chats_updated(
    context: Context, *, after: str | None = None
) -> AsyncGenerator[Happening[Chat], None]:
    """Yield each chat that begins or changes."""
    context.viewer.require(Permission.CHATS_READ)
    async with aclosing(
        _happenings(context, after, lambda one: one.type.startswith("chat."), _chats)
    ) as happenings:
        async for happening in happenings:
            yield happening


async def message_groups_changed(
    context: Context, *, after: str | None = None, chat_id: str | None = None
) -> AsyncGenerator[Happening[MessageGroup], None]:
    """Yield each burst of messages that begins, grows, is worked on or settled."""
    context.viewer.require(Permission.MESSAGES_READ)
    chat = _chat(chat_id)

    def is_wanted(event: LoggedEvent) -> bool:
        return event.aggregate_type == MessageGroup.kind and _names(event, chat)

    async with aclosing(_happenings(context, after, is_wanted, _message_groups)) as happenings:
        async for happening in happenings:
            yield happening


async def sessions_updated(
    context: Context, *, after: str | None = None
) -> AsyncGenerator[Happening[Session], None]:
    """Yield each session that begins, changes or ends."""
    context.viewer.require(Permission.SESSIONS_READ)
    async with aclosing(
        _happenings(context, after, lambda one: one.type.startswith("session."), _sessions)
    ) as happenings:
        async for happening in happenings:
            yield happening


def aggregate_id(event: LoggedEvent) -> str | None:
    """Return the id of what the event happened to, or None if clients never see such ids."""
    prefix = PREFIXES.get("".join(part.title() for part in event.aggregate_type.split("_")) + "Id")
    return None if prefix is None else type_id(prefix, event.aggregate_id)


async def _happenings(
    context: Context,
    after: str | None,
    is_wanted: Callable[[LoggedEvent], bool],
    load: Callable[[Loaders, UUID], Awaitable[T | None]],
    id_of: Callable[[LoggedEvent], UUID] = lambda event: event.aggregate_id,
) -> AsyncGenerator[Happening[T], None]:
    async with aclosing(_follow(context, after)) as followed:
        async for batch in followed:
            # One snapshot for all that is in hand: under load a subscriber costs a query per batch, not per event.
            wanted = {event.position for event in batch if is_wanted(event)}
            ids = {id_of(event) for event in batch if event.position in wanted}
            nodes = await _read(context, ids, load) if ids else {}
            for event in batch:
                _note(context, event)
                # What is gone by now has left a later event that says so.
                if event.position in wanted and (node := nodes.get(id_of(event))) is not None:
                    yield Happening(event, node)


async def _follow(context: Context, after: str | None) -> AsyncGenerator[Sequence[LoggedEvent], None]:
    viewer = context.viewer
    hub = context.installation.hub
    if hub is None:
        raise LiveUnavailable("This process follows no events; subscribe at the API server.")
    progress = context.progress or Progress()
    cursor = progress.resume_after or after
    position = None if cursor is None else parse_event_cursor(cursor)
    async with aclosing(hub.follow_in_batches(viewer.tenant_id, after=position)) as followed:
        async for batch in followed:
            ours = [event for event in batch if event.project_id == viewer.project_id]
            if ours:
                yield ours


def _note(context: Context, event: LoggedEvent) -> None:
    """Note how far the subscription has come, for transports that resume by themselves."""
    if context.progress is not None:
        context.progress.latest = event_cursor(event.position)


async def _read(
    context: Context, ids: Collection[UUID], load: Callable[[Loaders, UUID], Awaitable[T | None]]
) -> dict[UUID, T | None]:
    """Return the objects from a snapshot taken now, which is at least as new as their events."""
    while True:
        await context.renew()
        try:
            nodes = await asyncio.gather(*(load(context.loaders, id_) for id_ in ids))
            return dict(zip(ids, nodes, strict=True))
        except Exception as error:
            heed_cancellation()
            if not is_outage(error):
                raise
            log.warning("live.waiting", error=type(error).__name__)
        await asyncio.sleep(_RETRY_SECONDS)


def _message_of(event: LoggedEvent) -> UUID:
    """Return the message that an event is about."""
    if event.aggregate_type == Message.kind:
        return event.aggregate_id
    return private(MessageId, str(event.payload["message_id"]))


def _messages(loaders: Loaders, id_: UUID) -> Awaitable[Message | None]:
    return loaders.messages.load(id_)


def _chats(loaders: Loaders, id_: UUID) -> Awaitable[Chat | None]:
    return loaders.chats.load(id_)


def _message_groups(loaders: Loaders, id_: UUID) -> Awaitable[MessageGroup | None]:
    return loaders.message_groups.load(id_)


def _sessions(loaders: Loaders, id_: UUID) -> Awaitable[Session | None]:
    return loaders.sessions.load(id_)


def _known(types: Sequence[str]) -> frozenset[str]:
    if len(types) > _MOST_TYPES:
        raise BadUserInput(f"types has {len(types)} entries; at most {_MOST_TYPES} are allowed.")
    for name in types:
        if name not in REGISTRY:
            raise BadUserInput(f"There is no event type {name[:64]!r}; message.received is one.")
    return frozenset(types)


def _chat(text: str | None) -> str | None:
    return None if text is None else public(ChatId, private(ChatId, text))


def _names(event: LoggedEvent, chat: str | None) -> bool:
    if chat is None or event.payload.get("chat_id") == chat:
        return True
    return event.aggregate_type == Chat.kind and public(ChatId, event.aggregate_id) == chat
