"""What is said to and by the mutations of chats."""

import strawberry

from resolvers.crm import chats as resolve
from schema.crm.chat import Chat
from schema.fields import optional, plain
from schema.mutations import mutation, user_errors
from schema.user_errors import UserError


@strawberry.input(description="Which chat to put aside.")
class ChatArchiveInput:
    """Which chat to put aside."""

    id: strawberry.ID = plain("The chat.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of archiving a chat.")
class ChatArchivePayload:
    """The answer."""

    chat: Chat | None = plain("The chat as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which chat to bring back.")
class ChatUnarchiveInput:
    """Which chat to bring back."""

    id: strawberry.ID = plain("The chat.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of unarchiving a chat.")
class ChatUnarchivePayload:
    """The answer."""

    chat: Chat | None = plain("The chat as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which chat to end work on.")
class ChatCloseInput:
    """Which chat to end work on."""

    id: strawberry.ID = plain("The chat.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of closing a chat.")
class ChatClosePayload:
    """The answer."""

    chat: Chat | None = plain("The chat as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


@strawberry.input(description="Which chat to take up again.")
class ChatReopenInput:
    """Which chat to take up again."""

    id: strawberry.ID = plain("The chat.")
    expected_version: int | None = optional("The version you have seen; refused if there is a newer one.")


@strawberry.type(description="What came of reopening a chat.")
class ChatReopenPayload:
    """The answer."""

    chat: Chat | None = plain("The chat as it is now.", default=None)
    user_errors: list[UserError] = user_errors()


chat_archive = mutation(
    resolve.archive,
    "Puts a chat aside; it comes back by itself when the other side writes.",
    takes=ChatArchiveInput,
    gives=ChatArchivePayload,
    show=lambda chat: {"chat": chat},
)

chat_unarchive = mutation(
    resolve.unarchive,
    "Brings an archived chat back.",
    takes=ChatUnarchiveInput,
    gives=ChatUnarchivePayload,
    show=lambda chat: {"chat": chat},
)

chat_close = mutation(
    resolve.close,
    "Ends work on a chat; nothing can be sent until it is reopened or the other side writes.",
    takes=ChatCloseInput,
    gives=ChatClosePayload,
    show=lambda chat: {"chat": chat},
)

chat_reopen = mutation(
    resolve.reopen,
    "Takes up work on a closed chat again.",
    takes=ChatReopenInput,
    gives=ChatReopenPayload,
    show=lambda chat: {"chat": chat},
)
