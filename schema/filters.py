"""The operators of `where`, one input per type of value, and the directions of `orderBy`."""

from datetime import datetime
from enum import Enum

import strawberry

from domain.ai.run import RunOutcome
from domain.crm.chat import ChatStatus, ChatType
from domain.crm.content import ContentKind
from domain.crm.message import MessageDirection, MessageOrigin, MessageStatus
from domain.crm.message_group import GroupCancelReason, GroupStatus
from domain.crm.scheduled_message import ScheduledMessageStatus
from domain.crm.session import SessionEndReason, SessionStatus
from domain.operations.job_run import JobStatus
from domain.values import PhoneNumber
from schema.fields import optional

EQ, NEQ = "Equal to this.", "Different from this; what is missing is different from everything."
IN, NOT_IN = "One of these, at most 500; none of nothing.", "None of these, at most 500."
NULL = "Whether there is no value."
ORDER = {"gt": "Greater than this.", "gte": "At least this.", "lt": "Less than this.", "lte": "At most this."}


@strawberry.enum(description="In which direction a list is sorted.")
class OrderDirection(Enum):
    """Up or down."""

    ASC = strawberry.enum_value("ASC", description="From the smallest, or earliest.")
    DESC = strawberry.enum_value("DESC", description="From the greatest, or latest.")


@strawberry.enum(description="Where rows without a value go.")
class NullsOrder(Enum):
    """Before or behind all others."""

    FIRST = strawberry.enum_value("FIRST", description="Before all others.")
    LAST = strawberry.enum_value("LAST", description="Behind all others.")


@strawberry.input(description="Conditions on an id.")
class IDFilter:
    """Ids of the kind that the field holds; others are refused."""

    eq: strawberry.ID | None = optional(EQ)
    in_: list[strawberry.ID] | None = optional(IN, name="in")
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on a text. contains and startsWith ignore case and accents.")
class StringFilter:
    """Texts."""

    eq: str | None = optional(EQ)
    neq: str | None = optional(NEQ)
    in_: list[str] | None = optional(IN, name="in")
    not_in: list[str] | None = optional(NOT_IN)
    contains: str | None = optional("Holds this somewhere.")
    starts_with: str | None = optional("Begins with this.")
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on a telephone number. Brazil's ninth digit makes no difference.")
class PhoneFilter:
    """Telephone numbers in either Brazilian spelling."""

    eq: PhoneNumber | None = optional("This number.")
    starts_with: str | None = optional("Begins with these digits, country code first, such as +5511.")
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on a list of tags.")
class TagFilter:
    """Tags."""

    any: list[str] | None = optional("Has at least one of these.")
    all: list[str] | None = optional("Has all of these.")
    none: list[str] | None = optional("Has none of these.")


@strawberry.input(description="Conditions on a yes or no.")
class BooleanFilter:
    """Yes or no."""

    eq: bool | None = optional(EQ)


@strawberry.input(description="Conditions on a number.")
class IntFilter:
    """Numbers."""

    eq: int | None = optional(EQ)
    neq: int | None = optional(NEQ)
    in_: list[int] | None = optional(IN, name="in")
    gt: int | None = optional(ORDER["gt"])
    gte: int | None = optional(ORDER["gte"])
    lt: int | None = optional(ORDER["lt"])
    lte: int | None = optional(ORDER["lte"])
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on an instant.")
class DateTimeFilter:
    """Instants."""

    eq: datetime | None = optional(EQ)
    neq: datetime | None = optional(NEQ)
    in_: list[datetime] | None = optional(IN, name="in")
    gt: datetime | None = optional(ORDER["gt"])
    gte: datetime | None = optional(ORDER["gte"])
    lt: datetime | None = optional(ORDER["lt"])
    lte: datetime | None = optional(ORDER["lte"])
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on chat types.")
class ChatTypeFilter:
    """Chat types."""

    eq: ChatType | None = optional(EQ)
    neq: ChatType | None = optional(NEQ)
    in_: list[ChatType] | None = optional(IN, name="in")
    not_in: list[ChatType] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on chat statuses.")
class ChatStatusFilter:
    """Chat statuses."""

    eq: ChatStatus | None = optional(EQ)
    neq: ChatStatus | None = optional(NEQ)
    in_: list[ChatStatus] | None = optional(IN, name="in")
    not_in: list[ChatStatus] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on session statuses.")
class SessionStatusFilter:
    """Session statuses."""

    eq: SessionStatus | None = optional(EQ)
    neq: SessionStatus | None = optional(NEQ)
    in_: list[SessionStatus] | None = optional(IN, name="in")
    not_in: list[SessionStatus] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on reasons.")
class SessionEndReasonFilter:
    """Reasons."""

    eq: SessionEndReason | None = optional(EQ)
    neq: SessionEndReason | None = optional(NEQ)
    in_: list[SessionEndReason] | None = optional(IN, name="in")
    not_in: list[SessionEndReason] | None = optional(NOT_IN)
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on reasons.")
class GroupStatusFilter:
    """Reasons."""

    eq: GroupStatus | None = optional(EQ)
    neq: GroupStatus | None = optional(NEQ)
    in_: list[GroupStatus] | None = optional(IN, name="in")
    not_in: list[GroupStatus] | None = optional(NOT_IN)
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on reasons.")
class GroupCancelReasonFilter:
    """Reasons."""

    eq: GroupCancelReason | None = optional(EQ)
    neq: GroupCancelReason | None = optional(NEQ)
    in_: list[GroupCancelReason] | None = optional(IN, name="in")
    not_in: list[GroupCancelReason] | None = optional(NOT_IN)
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on the statuses of scheduled messages.")
class ScheduledMessageStatusFilter:
    """Statuses of scheduled messages."""

    eq: ScheduledMessageStatus | None = optional(EQ)
    neq: ScheduledMessageStatus | None = optional(NEQ)
    in_: list[ScheduledMessageStatus] | None = optional(IN, name="in")
    not_in: list[ScheduledMessageStatus] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on directions.")
class MessageDirectionFilter:
    """Directions."""

    eq: MessageDirection | None = optional(EQ)
    neq: MessageDirection | None = optional(NEQ)
    in_: list[MessageDirection] | None = optional(IN, name="in")
    not_in: list[MessageDirection] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on origins.")
class MessageOriginFilter:
    """Origins."""

    eq: MessageOrigin | None = optional(EQ)
    neq: MessageOrigin | None = optional(NEQ)
    in_: list[MessageOrigin] | None = optional(IN, name="in")
    not_in: list[MessageOrigin] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on message statuses.")
class MessageStatusFilter:
    """Message statuses."""

    eq: MessageStatus | None = optional(EQ)
    neq: MessageStatus | None = optional(NEQ)
    in_: list[MessageStatus] | None = optional(IN, name="in")
    not_in: list[MessageStatus] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on kinds of content.")
class ContentKindFilter:
    """Kinds of content."""

    eq: ContentKind | None = optional(EQ)
    neq: ContentKind | None = optional(NEQ)
    in_: list[ContentKind] | None = optional(IN, name="in")
    not_in: list[ContentKind] | None = optional(NOT_IN)


@strawberry.input(description="Conditions on outcomes of agents' runs.")
class RunOutcomeFilter:
    """Outcomes."""

    eq: RunOutcome | None = optional(EQ)
    neq: RunOutcome | None = optional(NEQ)
    in_: list[RunOutcome] | None = optional(IN, name="in")
    not_in: list[RunOutcome] | None = optional(NOT_IN)
    is_null: bool | None = optional(NULL)


@strawberry.input(description="Conditions on statuses of jobs.")
class JobStatusFilter:
    """Statuses of jobs."""

    eq: JobStatus | None = optional(EQ)
    neq: JobStatus | None = optional(NEQ)
    in_: list[JobStatus] | None = optional(IN, name="in")
    not_in: list[JobStatus] | None = optional(NOT_IN)
