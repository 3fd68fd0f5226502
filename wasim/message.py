"""One message in a session, and the actions on it that WhatsApp sends as messages of their own."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from wasim.content import Content
from wasim.ids import format_message_id
from wasim.people import AddressForm, Chat, Person

Source: TypeAlias = Literal["api", "app"]

ACK_NAMES = {-1: "ERROR", 0: "PENDING", 1: "SERVER", 2: "DEVICE", 3: "READ", 4: "PLAYED"}


@dataclass(eq=False, kw_only=True)
class StoredFile:
    """The bytes of a media message."""

    data: bytes
    mimetype: str
    filename: str | None = None


@dataclass(eq=False, kw_only=True)
class Message:
    """A message as the network knows it; engines only differ in how they show it.

    `author` is None for the session's own messages. `form` is the address form of the peer or,
    in a group, of the participant. `at` is unix seconds.
    """

    wa_id: str
    chat: Chat
    author: Person | None
    content: Content
    at: int
    source: Source
    me: str
    form: AddressForm = "cus"
    ack: int | None = 1
    reply_to: "Message | Quote | None" = None
    file: StoredFile | None = None
    lost: bool = False
    revoked: bool = False
    reactions: dict[str, str] = field(default_factory=dict)

    @property
    def from_me(self) -> bool:
        """Whether the session's own number wrote it."""
        return self.author is None

    @property
    def chat_id(self) -> str:
        """The conversation's id in the form this message was addressed with."""
        return self.chat.address(self.form)

    @property
    def participant(self) -> str | None:
        """Who wrote it, in groups and stories; None in direct chats and channels."""
        if not self.chat.is_group and self.chat.fixed != "status@broadcast":
            return None
        return self.me if self.author is None else self.author.address(self.form)

    @property
    def id(self) -> str:
        """The full message id."""
        return format_message_id(
            self.wa_id, from_me=self.from_me, chat=self.chat_id, participant=self.participant
        )


@dataclass(eq=False, kw_only=True)
class Quote:
    """A quoted message the simulator does not know: only what the quoting one says about it."""

    wa_id: str
    participant: str
    body: str


@dataclass(eq=False, kw_only=True)
class Action:
    """An edit or a revoke: a message of its own that points at another one."""

    verb: Literal["edit", "revoke"]
    target: Message
    carrier: Message
    by_admin: bool = False
