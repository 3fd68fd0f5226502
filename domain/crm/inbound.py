"""What a channel can report, free of any engine's spelling; the WAHA translation produces these facts."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain.crm.content import MessageContent
from domain.crm.message import Ack
from domain.values import WhatsAppAddress


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A person as WhatsApp names them in one event: one address, the other form if known, and the push name."""

    address: WhatsAppAddress
    alternate: WhatsAppAddress | None = None
    push_name: str | None = None

    @property
    def addresses(self) -> tuple[WhatsAppAddress, ...]:
        """All known addresses, the one in use first."""
        return (self.address,) if self.alternate is None else (self.address, self.alternate)


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageKey:
    """The message a fact is about: its chat, its side, and WhatsApp's bare message id.

    `peer` is the other person of an individual chat. `author` is who wrote it in a group, when the event says.
    `from_me` is None when the event does not tell.
    """

    chat: WhatsAppAddress
    external_id: str
    from_me: bool | None
    peer: Party | None = None
    author: Party | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedMessage:
    """A new message, ours or theirs. `from_phone` is False when WAHA itself sent it, None when unknown."""

    key: MessageKey
    content: MessageContent
    sent_at: datetime
    from_phone: bool | None
    ack: Ack | None
    reply_to_external_id: str | None
    is_forwarded: bool
    mentions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedAck:
    """An acknowledgement of a message in an individual chat, or of the server for one in a group."""

    key: MessageKey
    ack: Ack
    acked_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedReaction:
    """Somebody reacted; `reactor` None means our side, an empty emoji withdraws."""

    key: MessageKey
    reactor: Party | None
    emoji: str
    reacted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedEdit:
    """A new wording by the author; None when WhatsApp kept it from us."""

    key: MessageKey
    text: str | None
    edited_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedRevoke:
    """A deletion for everyone; `by_me` says which side asked for it."""

    key: MessageKey
    by_me: bool
    revoked_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedTyping:
    """Somebody is typing, or recording a voice note, in a chat."""

    chat: WhatsAppAddress
    peer: Party | None


class SessionState(Enum):
    """The states of a WAHA session that matter to a channel."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    SCAN_QR_CODE = "SCAN_QR_CODE"
    PASSKEY_REQUIRED = "PASSKEY_REQUIRED"
    WORKING = "WORKING"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelStateChanged:
    """The WAHA session changed its state; `own` is the paired account, once known."""

    state: SessionState
    changed_at: datetime
    own: Party | None
    engine: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignored:
    """An event that changes nothing here; it stays in the archive and is counted by its name."""

    event: str
    reason: str


Fact = ReceivedAck | ReceivedReaction | ReceivedEdit | ReceivedRevoke
"""What is said about a message that may not have arrived yet."""

InboundEvent = ReceivedMessage | Fact | ReceivedTyping | ChannelStateChanged | Ignored
