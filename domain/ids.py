"""Identifiers: UUIDv7 inside, TypeIDs (`msg_01jd…`) wherever a person or program outside sees them."""

import os
import threading
import time
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
ProjectId = NewType("ProjectId", UUID)
UserId = NewType("UserId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
AgentId = NewType("AgentId", UUID)
PipelineId = NewType("PipelineId", UUID)
ChannelId = NewType("ChannelId", UUID)
ContactId = NewType("ContactId", UUID)
IdentityId = NewType("IdentityId", UUID)
ChatId = NewType("ChatId", UUID)
ParticipantId = NewType("ParticipantId", UUID)
SessionId = NewType("SessionId", UUID)
MessageId = NewType("MessageId", UUID)
MediaId = NewType("MediaId", UUID)
MessageGroupId = NewType("MessageGroupId", UUID)
ScheduledMessageId = NewType("ScheduledMessageId", UUID)
EnrichmentId = NewType("EnrichmentId", UUID)
AiRunId = NewType("AiRunId", UUID)
ContactFactId = NewType("ContactFactId", UUID)
JobRunId = NewType("JobRunId", UUID)
EventId = NewType("EventId", UUID)

PREFIXES = {
    "TenantId": "ten",
    "ProjectId": "prj",
    "UserId": "usr",
    "ApiKeyId": "key",
    "AgentId": "agt",
    "PipelineId": "pip",
    "ChannelId": "chn",
    "ContactId": "cnt",
    "IdentityId": "idn",
    "ChatId": "cht",
    "ParticipantId": "cpt",
    "SessionId": "ses",
    "MessageId": "msg",
    "MediaId": "mda",
    "MessageGroupId": "grp",
    "ScheduledMessageId": "sch",
    "EnrichmentId": "enr",
    "AiRunId": "run",
    "ContactFactId": "fct",
    "JobRunId": "job",
    "EventId": "evt",
}
"""The TypeID prefix of each kind of id, by the name of its type."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_ENCODED_LENGTH = 26
# Two characters at a time: every event and every answer is full of ids.
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = tuple(range(120, -1, -10))

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """Return a UUIDv7 greater than any this process made before (RFC 9562, section 6.2, method 3).

    48 bits of milliseconds, 12 bits of sub-millisecond time that double as a counter, 62 random bits.
    """
    global _last  # noqa: PLW0603 The monotonic counter belongs to the process.
    with _lock:
        stamp = time.time_ns() * 4096 // 1_000_000
        _last = stamp = max(stamp, _last + 1)
    milliseconds, fraction = stamp >> 12, stamp & 0xFFF
    random = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)


def type_id(prefix: str, value: UUID) -> str:
    """Return `prefix_` and the UUID in lower-case Crockford base32 (the TypeID specification, 0.3)."""
    number = value.int
    return prefix + "_" + "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])


def parse_type_id(text: str) -> tuple[str, UUID]:
    """Return prefix and UUID of a TypeID.

    Raises ValueError for anything else, including upper case and numbers above 128 bits.
    """
    prefix, separator, encoded = text.rpartition("_")
    if not separator or not prefix or len(encoded) != _ENCODED_LENGTH:
        raise ValueError(f"{text[:64]!r} is not a TypeID.")
    number = 0
    for character in encoded:
        value = _VALUES.get(character)
        if value is None:
            raise ValueError(f"{text[:64]!r} is not a TypeID.")
        number = number << 5 | value
    if number >> 128:
        raise ValueError(f"{text[:64]!r} is not a TypeID.")
    return prefix, UUID(int=number)
