"""A WAHA session: its account, its webhooks and everything it has stored."""

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from wasim.config import EngineName, WebhookSettings
from wasim.ids import parse_message_id
from wasim.message import Message, StoredFile
from wasim.people import Chat, Group
from wasim.wire import Body

Status: TypeAlias = Literal[
    "STOPPED",
    "STARTING",
    "SCAN_QR_CODE",
    "PASSKEY_REQUIRED",
    "PASSKEY_CONFIRMATION_REQUIRED",
    "WORKING",
    "FAILED",
]


@dataclass(eq=False, kw_only=True)
class Me:
    """The paired account."""

    phone: str
    lid: str
    push_name: str

    @property
    def id(self) -> str:
        """The account's chat id."""
        return f"{self.phone}@c.us"

    def shown(self, engine: EngineName) -> Body:
        """The `me` object of answers and envelopes; WEBJS knows no device jid."""
        me: Body = {"id": self.id, "pushName": self.push_name, "lid": f"{self.lid}@lid"}
        return me if engine == "WEBJS" else me | {"jid": f"{self.phone}:7@s.whatsapp.net"}


@dataclass(eq=False, kw_only=True)
class KeptFile:
    """A media file WAHA serves until `expires` (unix seconds; None keeps it)."""

    file: StoredFile
    expires: float | None


@dataclass(eq=False, kw_only=True)
class Session:
    """One session and its store; `config` is echoed exactly as it was given.

    `backlog` holds messages from times when the session did not work: they are announced when it does.
    """

    name: str
    engine: EngineName
    config: Body
    webhooks: list[WebhookSettings]
    me: Me | None
    status: Status = "STOPPED"
    statuses: list[tuple[Status, int]] = field(default_factory=list)
    qr: int = 0
    activity: int | None = None
    messages: dict[str, Message] = field(default_factory=dict)
    by_chat: dict[str, list[Message]] = field(default_factory=dict)
    backlog: list[Message] = field(default_factory=list)
    chats: dict[str, Chat] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    files: dict[str, KeptFile] = field(default_factory=dict)
    contact_names: dict[str, str] = field(default_factory=dict)

    @property
    def metadata(self) -> Body:
        """What every envelope repeats from `config.metadata`."""
        metadata = self.config.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def account(self) -> Me:
        """The paired account. Raises `LookupError` when the session has none."""
        if self.me is None:
            raise LookupError(f"session {self.name!r} is not paired: scan its QR code first")
        return self.me

    @property
    def tells_presence(self) -> bool:
        """Whether presence and group receipts become events: WEBJS wants `webjs.tagsEventsOn` for it."""
        webjs = self.config.get("webjs")
        return self.engine != "WEBJS" or (isinstance(webjs, dict) and bool(webjs.get("tagsEventsOn")))

    def ignores(self, chat_id: str) -> bool:
        """Whether `config.ignore` drops this chat, events and storage alike."""
        ignore = self.config.get("ignore")
        if not isinstance(ignore, dict):
            return False
        kinds = {"g.us": "groups", "newsletter": "channels", "broadcast": "broadcast"}
        kind = "status" if chat_id == "status@broadcast" else kinds.get(chat_id.rpartition("@")[2], "")
        return bool(ignore.get(kind))

    def store(self, message: Message) -> None:
        """File a message and move its chat to the top; one with a known id takes the old one's place."""
        chat = message.chat
        filed = self.by_chat.setdefault(chat.key, [])
        known = self.messages.get(message.wa_id)
        if known is not None:
            self.by_chat[known.chat.key].remove(known)
        filed.append(message)
        self.messages[message.wa_id] = message
        self.chats.setdefault(chat.key, chat)
        chat.last_at = max(chat.last_at, message.at)

    def find(self, message_id: str) -> Message | None:
        """The message with this full or bare id; address form and participant do not matter."""
        parsed = parse_message_id(message_id)
        message = self.messages.get(parsed.wa_id)
        if message is None or (parsed.from_me is not None and parsed.from_me != message.from_me):
            return None
        return message

    def history(self, chat: Chat | None = None) -> list[Message]:
        """Stored messages, newest first, of one chat or of all."""
        found = list(self.messages.values() if chat is None else self.by_chat.get(chat.key, []))
        # Sorting is stable: within one second the later arrival comes first.
        found.reverse()
        found.sort(key=lambda message: -message.at)
        return found


def valid_name(name: str) -> bool:
    """Whether a session may be called this."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", name) is not None
