"""Identifiers as WhatsApp and WAHA make them: message ids, event ids, chat addresses."""

import hashlib
import secrets
from typing import NamedTuple

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class MessageId(NamedTuple):
    """The parts of `{fromMe}_{chat}_{waId}[_{participant}]`; a bare id has no `from_me` and no chat."""

    from_me: bool | None
    chat: str | None
    wa_id: str
    participant: str | None = None


def parse_message_id(text: str) -> MessageId:
    """Split a message id; whatever is not in the full form counts as a bare WhatsApp id."""
    parts = text.split("_")
    if parts[0] not in ("true", "false") or len(parts) not in (3, 4):
        return MessageId(None, None, text)
    return MessageId(parts[0] == "true", parts[1], parts[2], parts[3] if len(parts) == 4 else None)  # noqa: PLR2004 -- the fourth part


def format_message_id(wa_id: str, *, from_me: bool, chat: str, participant: str | None = None) -> str:
    """Join the parts of a message id."""
    head = f"{'true' if from_me else 'false'}_{chat}_{wa_id}"
    return f"{head}_{participant}" if participant else head


def new_wa_id(prefix: str, length: int = 20) -> str:
    """A fresh WhatsApp message id; the prefix hints at the client (`3EB0` API, `3A` iPhone, `AC` Android)."""
    return prefix + secrets.token_hex(length)[: length - len(prefix)].upper()


def stable_wa_id(prefix: str, *seeds: object, length: int = 20) -> str:
    """The same id for the same seeds, so that a history read twice holds the same messages."""
    digest = hashlib.sha256(repr(seeds).encode()).hexdigest().upper()
    return prefix + digest[: length - len(prefix)]


def new_event_id(millis: int) -> str:
    """`evt_` and a lower-case ULID of the given millisecond."""
    value = (millis << 80) | secrets.randbits(80)
    return "evt_" + "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def lid_of(phone: str) -> str:
    """The linked id (15 digits) that belongs to a phone; not reversible, as in life."""
    return "2" + str(int(hashlib.sha256(phone.encode()).hexdigest(), 16))[-14:]


def digits(address: str) -> str:
    """`+55 11 99999-0001`, `5511999990001@c.us` and `5511999990001:7@s.whatsapp.net` without the rest."""
    return "".join(c for c in address.split("@", maxsplit=1)[0].split(":", maxsplit=1)[0] if c.isdigit())


def chat_address(text: str) -> str:
    """Normalise a chat id of a request: bare digits and protocol forms become `@c.us`."""
    user, _, server = text.partition("@")
    user = user.split(":", maxsplit=1)[0].lstrip("+")
    return f"{user}@{'c.us' if server in ('', 's.whatsapp.net') else server}"


def jid(address: str) -> str:
    """The protocol form of an address: `@c.us` becomes `@s.whatsapp.net`."""
    return address.replace("@c.us", "@s.whatsapp.net")
