"""Who an event is about: the chat, the other person and the author, each with the other form of their address."""

from collections.abc import Iterable

from domain.crm.inbound import Party
from domain.values import AddressKind, WhatsAppAddress
from integrations.waha.fields import Node, child, flag, member, text
from integrations.waha.message_id import MessageId, address

Own = frozenset[WhatsAppAddress]
"""The addresses of the paired account itself; they never belong to a contact."""

_CONVERSATIONS = {AddressKind.GROUP, AddressKind.NEWSLETTER, AddressKind.BROADCAST}


def own_addresses(envelope: Node) -> Own:
    """Return the addresses of the paired account that the envelope names."""
    me = member(envelope, "me")
    found = (address(member(me, name)) for name in ("id", "lid", "jid"))
    return frozenset(one for one in found if one is not None)


def chat_of(payload: Node, *, from_me: bool | None, own: Own) -> WhatsAppAddress | None:
    """Return the conversation a message-like payload belongs to.

    The second field of the full id says it on every engine. Old and trimmed payloads have a bare id: then
    the engine's own record says it, or else `from` and `to`, whose meaning differs by engine and direction.
    """
    message_id = MessageId.of(member(payload, "id"))
    if message_id is not None and message_id.chat is not None:
        return message_id.chat
    recorded = _recorded_chat(child(payload, "_data"))
    if recorded is not None:
        return recorded
    sender, receiver = address(member(payload, "from")), address(member(payload, "to"))
    ends = [one for one in ((receiver, sender) if from_me else (sender, receiver)) if one is not None]
    conversation = next((one for one in ends if one.kind in _CONVERSATIONS), None)
    return conversation or next((one for one in ends if one not in own), None)


def side_of(payload: Node) -> bool | None:
    """Return whether the paired account is the author, as the payload or its id says."""
    told = member(payload, "fromMe")
    if isinstance(told, bool):
        return told
    message_id = MessageId.of(member(payload, "id"))
    return None if message_id is None else message_id.from_me


def peer(
    chat: WhatsAppAddress, payload: Node, *, from_me: bool | None, own: Own, named: bool = False
) -> Party | None:
    """Return the other person of an individual chat; `named` takes over the push name of the payload."""
    if not chat.is_person or chat in own:
        return None
    raw = child(payload, "_data")
    return Party(
        address=chat,
        alternate=peer_alternate(chat, raw, from_me=from_me, own=own),
        push_name=push_name(raw) if named else None,
    )


def author(payload: Node, *, own: Own, named: bool = False) -> Party | None:
    """Return who wrote in a group, channel or story, if the payload says so and it was not our side."""
    raw = child(payload, "_data")
    message_id = MessageId.of(member(payload, "id"))
    told = (
        address(member(payload, "participant")),
        None if message_id is None else message_id.participant,
        address(member(payload, "author")),
        address(member(child(raw, "key"), "participant")),
        address(member(child(raw, "Info"), "Sender")),
        address(member(raw, "author")),
    )
    known = next((one for one in told if one is not None and one.is_person), None)
    if known is None or known in own:
        return None
    return Party(
        address=known,
        alternate=_other_form(known, _author_forms(raw), own=own),
        push_name=push_name(raw) if named else None,
    )


def peer_alternate(
    chat: WhatsAppAddress, raw: Node, *, from_me: bool | None, own: Own
) -> WhatsAppAddress | None:
    """Return the other form of an individual chat's address, as the engine's record `_data` knows it."""
    return _other_form(chat, _peer_forms(raw, from_me=from_me), own=own)


def push_name(raw: Node) -> str | None:
    """Return the name that the author of a message gave themselves."""
    return text(child(raw, "Info"), "PushName") or text(raw, "pushName", "notifyName")


def _recorded_chat(raw: Node) -> WhatsAppAddress | None:
    found = (
        address(member(child(raw, "Info"), "Chat")),
        address(member(raw, "Chat")),
        address(member(child(raw, "key"), "remoteJid")),
        address(member(child(raw, "id"), "remote")),
    )
    return next((one for one in found if one is not None), None)


def _peer_forms(raw: Node, *, from_me: bool | None) -> Iterable[object]:
    # A receipt of GOWS is flat, and says itself which side sent the receipt.
    info = child(raw, "Info") or raw
    ours = flag(info, "IsFromMe") if isinstance(member(info, "IsFromMe"), bool) else bool(from_me)
    yield member(info, "RecipientAlt" if ours else "SenderAlt")
    key = child(raw, "key")
    for name in ("remoteJidAlt", "senderPn", "senderLid"):
        yield member(key, name)
    yield member(info, "Chat")
    yield member(key, "remoteJid")


def _author_forms(raw: Node) -> Iterable[object]:
    info, key = child(raw, "Info"), child(raw, "key")
    for name in ("SenderAlt", "Sender"):
        yield member(info, name)
    for name in ("participantAlt", "participantPn", "participantLid", "participant"):
        yield member(key, name)


def _other_form(known: WhatsAppAddress, candidates: Iterable[object], *, own: Own) -> WhatsAppAddress | None:
    for candidate in candidates:
        found = address(candidate)
        if found is not None and found.is_person and found.kind is not known.kind and found not in own:
            return found
    return None
