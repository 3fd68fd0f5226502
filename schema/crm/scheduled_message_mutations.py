"""What is said to and by the mutations of scheduled messages."""

from datetime import datetime

import strawberry

from domain.crm.scheduled_message import LatePolicy
from domain.values import PhoneNumber
from resolvers.crm import scheduled_messages as resolve
from schema.crm.message_mutations import MessageContentInput
from schema.crm.scheduled_message import ScheduledMessage
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError

WHEN = "When to send it: at least 5 seconds and at most 365 days ahead."


@strawberry.input(description="What to send to whom, and when: either chatId, or to and channelId.")
class MessageScheduleInput:
    """What to send to whom, and when: either chatId, or to and channelId."""

    content: MessageContentInput = plain("What to send. A file is fetched when it is sent, not before.")
    send_at: datetime = plain(WHEN)
    chat_id: strawberry.ID | None = optional("The chat to write in.")
    to: PhoneNumber | None = optional(
        "The telephone number to write to; opens a chat, if there is none, when it is sent."
    )
    channel_id: strawberry.ID | None = optional("The channel to write from, with to.")
    reply_to_id: strawberry.ID | None = optional("The message of the same chat that this one answers.")
    client_message_id: str | None = optional(
        "Your own id, unique among the project's scheduled messages: scheduling it again returns the first."
    )
    late: LatePolicy | None = optional("What to do if nobody can send it then; SEND_LATE if nothing is said.")
    expires_after_seconds: int | None = optional(
        "With late: SKIP, for how long after sendAt it is still sent: 1 to 604,800 seconds."
    )


@strawberry.input(description="What to change of a scheduled message; what is left out or null stays.")
class MessageScheduleUpdateInput:
    """What to change."""

    id: strawberry.ID = plain("The scheduled message.")
    send_at: datetime | None = optional(WHEN)
    content: MessageContentInput | None = optional("What to send instead.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Which scheduled message not to send.")
class MessageScheduleCancelInput:
    """Which one not to send."""

    id: strawberry.ID = plain("The scheduled message.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of scheduling a message.")
class MessageSchedulePayload:
    """The answer."""

    scheduled_message: ScheduledMessage | None = plain("It, SCHEDULED.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of changing a scheduled message.")
class MessageScheduleUpdatePayload:
    """The answer."""

    scheduled_message: ScheduledMessage | None = plain("It, as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of cancelling a scheduled message.")
class MessageScheduleCancelPayload:
    """The answer."""

    scheduled_message: ScheduledMessage | None = plain("It, CANCELLED.", default=None)
    user_errors: list[UserError] = user_errors()


message_schedule = mutation(
    resolve.schedule,
    "Leaves a message to be sent later. At its time it is sent as messageSend would, with the rights that the "
    "author has then; until then it is no message, and agents are not silenced by it.",
    takes=MessageScheduleInput,
    gives=MessageSchedulePayload,
    show=lambda scheduled: {"scheduled_message": scheduled},
)
message_schedule_update = mutation(
    resolve.update,
    "Sets another time or content of a SCHEDULED message; whoever does is its author from now on.",
    takes=MessageScheduleUpdateInput,
    gives=MessageScheduleUpdatePayload,
    show=lambda scheduled: {"scheduled_message": scheduled},
)
message_schedule_cancel = mutation(
    resolve.cancel,
    "Cancels a SCHEDULED message. One that is SENT already is not taken back.",
    takes=MessageScheduleCancelInput,
    gives=MessageScheduleCancelPayload,
    show=lambda scheduled: {"scheduled_message": scheduled},
)
