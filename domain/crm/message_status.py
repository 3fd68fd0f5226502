"""Which way a message goes, where it came from, and how far it got."""

from enum import Enum


class MessageDirection(Enum):
    """Who wrote: the other side or ours."""

    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


class MessageOrigin(Enum):
    """How the message came to be known."""

    LIVE = "LIVE"
    HISTORY_IMPORT = "HISTORY_IMPORT"
    GAP_REPAIR = "GAP_REPAIR"
    API = "API"
    PHONE = "PHONE"
    AUTOMATION = "AUTOMATION"
    BROADCAST = "BROADCAST"


class MessageStatus(Enum):
    """How far a message came. The published order, in which a status only ever rises, is the order below.

    FAILED may still be repaired by a later acknowledgement of WhatsApp; CANCELLED is final.
    Inbound messages are RECEIVED, READ or PLAYED.
    """

    RECEIVED = "RECEIVED"
    QUEUED = "QUEUED"
    SENDING = "SENDING"
    UNCONFIRMED = "UNCONFIRMED"
    FAILED = "FAILED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    PLAYED = "PLAYED"
    CANCELLED = "CANCELLED"

    @property
    def rank(self) -> int:
        """The place in the published order."""
        return _RANKS[self]


_RANKS = {status: rank for rank, status in enumerate(MessageStatus)}


class Ack(Enum):
    """WhatsApp's acknowledgement levels (WAHA: `ack` and `ackName`)."""

    ERROR = -1
    PENDING = 0
    SERVER = 1
    DEVICE = 2
    READ = 3
    PLAYED = 4


ACKNOWLEDGED = {
    Ack.ERROR: MessageStatus.FAILED,
    Ack.SERVER: MessageStatus.SENT,
    Ack.DEVICE: MessageStatus.DELIVERED,
    Ack.READ: MessageStatus.READ,
    Ack.PLAYED: MessageStatus.PLAYED,
}
"""The status that each acknowledgement reports; PENDING reports none."""
