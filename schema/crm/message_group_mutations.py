"""What is said to and by the mutations of message groups and of automation in chats."""

import strawberry

from resolvers.crm import message_groups as resolve
from schema.crm.message_group import MessageGroup
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="Which group to hurry.")
class MessageGroupFlushInput:
    """Which group to hurry."""

    id: strawberry.ID = plain("The group.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.input(description="Which group to stop.")
class MessageGroupCancelInput:
    """Which group to stop."""

    id: strawberry.ID = plain("The group.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of hurrying a group.")
class MessageGroupFlushPayload:
    """The answer."""

    message_group: MessageGroup | None = plain("The group as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="What came of stopping a group.")
class MessageGroupCancelPayload:
    """The answer."""

    message_group: MessageGroup | None = plain("The group, CANCELLED.", default=None)
    user_errors: list[UserError] = user_errors()


message_group_flush = mutation(
    resolve.flush,
    "Ends the window of a PENDING group: a worker takes it at once.",
    takes=MessageGroupFlushInput,
    gives=MessageGroupFlushPayload,
    show=lambda group: {"message_group": group},
)
message_group_cancel = mutation(
    resolve.cancel,
    "Lets nothing follow from a PENDING or PROCESSING group; an answer that is being written is not sent.",
    takes=MessageGroupCancelInput,
    gives=MessageGroupCancelPayload,
    show=lambda group: {"message_group": group},
)
