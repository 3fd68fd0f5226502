"""WAHA's message ids: which side, which chat, WhatsApp's own id and, in groups, who wrote."""

from dataclasses import dataclass

from domain.values import AddressKind, WhatsAppAddress
from integrations.waha.fields import clean, member, text

LIMIT = 128
"""The longest id taken for one; WhatsApp's own have 16 to 32 characters."""

_SIDES = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageId:
    """The parts of `{fromMe}_{chatId}_{waId}[_{participant}]`; a bare id has only `external_id`."""

    external_id: str
    from_me: bool | None = None
    chat: WhatsAppAddress | None = None
    participant: WhatsAppAddress | None = None

    @classmethod
    def parse(cls, value: str) -> "MessageId | None":
        """Return the parts of an id in full or bare form, or None if there is no id in it."""
        side, separator, rest = clean(value).partition("_")
        if not separator or side not in _SIDES:
            return cls._checked(clean(value))
        chat_text, _, rest = rest.partition("_")
        external_id, _, tail = rest.partition("_")
        chat = WhatsAppAddress.parse(chat_text)
        if chat is not None and chat.kind is AddressKind.NEWSLETTER and tail and "@" not in tail:
            # WEBJS puts the channel's own counter before the message's id.
            external_id, tail = tail, ""
        return cls._checked(
            external_id, from_me=_SIDES[side], chat=chat, participant=WhatsAppAddress.parse(tail)
        )

    @classmethod
    def of(cls, value: object) -> "MessageId | None":
        """Return the parts of an id given as text or as the object of whatsapp-web.js."""
        if isinstance(value, str):
            return cls.parse(value)
        serialized = text(value, "_serialized", "$1")
        if serialized is not None:
            return cls.parse(serialized)
        external_id = text(value, "id")
        side = member(value, "fromMe")
        return (
            None
            if external_id is None
            else cls._checked(
                external_id,
                from_me=side if isinstance(side, bool) else None,
                chat=address(member(value, "remote")),
                participant=address(member(value, "participant")),
            )
        )

    def __str__(self) -> str:
        """Return the full form, or the bare id when side or chat are unknown."""
        if self.from_me is None or self.chat is None:
            return self.external_id
        side = "true" if self.from_me else "false"
        tail = "" if self.participant is None else f"_{self.participant}"
        return f"{side}_{self.chat}_{self.external_id}{tail}"

    @classmethod
    def _checked(
        cls,
        external_id: str,
        *,
        from_me: bool | None = None,
        chat: WhatsAppAddress | None = None,
        participant: WhatsAppAddress | None = None,
    ) -> "MessageId | None":
        if not external_id or len(external_id) > LIMIT:
            return None
        return cls(external_id=external_id, from_me=from_me, chat=chat, participant=participant)


def bare(value: object) -> str | None:
    """Return WhatsApp's own id out of an id in any form."""
    parsed = MessageId.of(value)
    return None if parsed is None else parsed.external_id


def address(value: object) -> WhatsAppAddress | None:
    """Return the address given as text or as the object of whatsapp-web.js."""
    if not isinstance(value, str):
        value = _serialized(value)
    return WhatsAppAddress.parse(value) if isinstance(value, str) and value else None


def _serialized(value: object) -> str | None:
    whole = text(value, "_serialized", "$1")
    user, server = text(value, "user"), text(value, "server")
    return whole or (f"{user}@{server}" if user and server else None)
