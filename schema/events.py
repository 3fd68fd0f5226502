"""Subscriptions: every field resumes behind a cursor, without a gap or a repeat, and goes on live."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types.arguments import StrawberryArgument

from domain.ids import EventId
from persistence.event_log import LoggedEvent
from resolvers import live as resolve
from resolvers.cursors import event_cursor
from resolvers.ids import public
from resolvers.live import Happening
from schema.crm.chat import Chat
from schema.crm.message import Message
from schema.crm.message_group import MessageGroup
from schema.crm.session import Session
from schema.fields import argument, computed, plain, represents, root
from schema.scalars import EventCursor

_AFTER = argument(
    "after",
    EventCursor | None,
    "Begins right behind this event, first with what happened since; without it, with the next event. "
    "CURSOR_EXPIRED when the log no longer reaches that far back: then read the data again.",
)
_IN_CHAT = argument("chat_id", strawberry.ID | None, "Only what happens in this chat.")
_TYPES = argument("types", list[str] | None, "Only these types of events, such as message.received.")


def _followed(resolver: Callable[..., object], description: str, *arguments: StrawberryArgument) -> Any:
    """Publish what a resolver yields."""
    field = root(resolver, description, arguments=arguments)
    field.is_subscription = True
    return field


@strawberry.type(description="Something that happened in the project.")
@represents(LoggedEvent)
class EventEnvelope:
    """An event of the log."""

    cursor: EventCursor = computed(
        lambda event: event_cursor(event.position), "The place of the event, for after."
    )
    id: strawberry.ID = computed(
        lambda event: public(EventId, event.id), "The id of the event, the same wherever it goes."
    )
    type: str = plain("What happened, such as message.received.")
    at: datetime = plain("When it was recorded.")
    aggregate_type: str = plain("The kind of object it happened to, such as message.")
    aggregate_id: strawberry.ID | None = computed(
        resolve.aggregate_id, "The object it happened to, for node; null where clients have no such objects."
    )
    payload: JSON = plain("The fields of the event type; ids are global, and message texts are never in it.")


@strawberry.interface(description="An event with the object it happened to.")
class ObjectEvent:
    """What all typed events have."""

    cursor: EventCursor = computed(
        lambda one: event_cursor(one.event.position), "The place of the event, for after."
    )
    id: strawberry.ID = computed(
        lambda one: public(EventId, one.event.id), "The id of the event, the same wherever it goes."
    )
    type: str = computed(lambda one: one.event.type, "What happened, such as message.received.")
    at: datetime = computed(lambda one: one.event.at, "When it was recorded.")


@strawberry.type(description="Something that happened to a message.")
@represents(Happening)
class MessageEvent(ObjectEvent):
    """A `Happening` of a message."""

    message: Message = computed(lambda one: one.node, "The message as it is now.")


@strawberry.type(description="Something that happened to a chat.")
@represents(Happening)
class ChatEvent(ObjectEvent):
    """A `Happening` of a chat."""

    chat: Chat = computed(lambda one: one.node, "The chat as it is now.")


@strawberry.type(description="Something that happened to a session.")
@represents(Happening)
class SessionEvent(ObjectEvent):
    """A `Happening` of a session."""

    session: Session = computed(lambda one: one.node, "The session as it is now.")


@strawberry.type(description="Something that happened to a burst of messages.")
@represents(Happening)
class MessageGroupEvent(ObjectEvent):
    """A `Happening` of a message group."""

    message_group: MessageGroup = computed(lambda one: one.node, "The group as it is now.")


@strawberry.type(
    description="What can be followed live. Every field resumes behind a cursor, without gap or repeat."
)
class Subscription:
    """The root of subscriptions."""

    events: EventEnvelope = _followed(
        resolve.events, "Everything that happens in the project, in order.", _AFTER, _TYPES, _IN_CHAT
    )
    message_received: MessageEvent = _followed(
        resolve.messages_received, "Each message that somebody else writes.", _AFTER, _IN_CHAT
    )
    message_updated: MessageEvent = _followed(
        resolve.messages_updated,
        "Each message of ours, and every message whose status, wording, reactions or file change, or of whose file "
        "is known what it says.",
        _AFTER,
        _IN_CHAT,
    )
    chat_updated: ChatEvent = _followed(resolve.chats_updated, "Each chat that begins or changes.", _AFTER)
    message_group_changed: MessageGroupEvent = _followed(
        resolve.message_groups_changed,
        "Each burst of messages that begins, grows, is worked on or settled.",
        _AFTER,
        _IN_CHAT,
    )
    session_updated: SessionEvent = _followed(
        resolve.sessions_updated, "Each session that begins, changes or ends.", _AFTER
    )
