"""WAHA's sessions: what they say of themselves, and how Ventros configures them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.crm.channel import Engine
from domain.crm.inbound import Party, SessionState
from domain.values import WhatsAppAddress
from integrations.waha.fields import Node, child, items, member, text
from integrations.waha.message_id import address

CORE_EVENTS = (
    "session.status",
    "message.any",
    "message.ack",
    "message.edited",
    "message.revoked",
    "message.reaction",
)
"""The events that change something here and that every server of 2025 and later knows; `message.any` includes
`message`."""

EVENTS = (
    *CORE_EVENTS,
    "message.ack.group",
    "poll.vote",
    "poll.vote.failed",
    "call.received",
    "call.accepted",
    "call.rejected",
    "group.v2.join",
    "group.v2.leave",
    "group.v2.update",
    "group.v2.participants",
    "label.upsert",
    "label.deleted",
    "label.chat.added",
    "label.chat.deleted",
    "event.response",
)
"""The events WAHA is asked for: what changes something here, and what the archive shall hold for later."""

PRESENCE_EVENTS = (*EVENTS, "presence.update")
"""Who is typing as well, for channels that wait for it. WAHA tells it of chats it was asked to watch."""

_RETRIES = {"policy": "exponential", "delaySeconds": 2, "attempts": 15}
"""The last attempt comes about a day later; WAHA's default gives up after half a minute."""

_STATES = {state.value: state for state in SessionState} | {
    # The user is still asked for the passkey; only the question changed.
    "PASSKEY_CONFIRMATION_REQUIRED": SessionState.PASSKEY_REQUIRED,
}
_ENGINES = {engine.value: engine for engine in Engine}


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """Where and how WAHA reports a session's events; `hmac_key` signs every body."""

    url: str
    hmac_key: str
    events: Sequence[str] = EVENTS


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionInfo:
    """What WAHA says of a session: `state` is None for one this version does not know, `own` until paired."""

    name: str
    state: SessionState | None
    own: Party | None
    engine: Engine | None
    config: Node


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerVersion:
    """The release of a WAHA server and the engine of all its sessions."""

    version: str
    engine: Engine | None


def session_of(answer: object, *, name: str) -> SessionInfo:
    """Read a session out of an answer."""
    engine = member(answer, "engine")
    return SessionInfo(
        name=text(answer, "name") or name,
        state=state_of(text(answer, "status")),
        own=own_of(child(answer, "me")),
        engine=engine_named(text(engine, "engine") or (engine if isinstance(engine, str) else None)),
        config=child(answer, "config"),
    )


def version_of(answer: object) -> ServerVersion:
    """Read a server's release out of an answer."""
    return ServerVersion(version=text(answer, "version") or "", engine=engine_named(text(answer, "engine")))


def state_of(status: str | None) -> SessionState | None:
    """Return the state that a status means, None for one this version does not know."""
    return _STATES.get(status or "")


def engine_named(name: str | None) -> Engine | None:
    """Return the engine of a name, None for one this version does not know."""
    return _ENGINES.get((name or "").upper())


def own_of(me: Node) -> Party | None:
    """Return the paired account, with its LID if WAHA knows it; None until a phone is paired."""
    known = address(member(me, "id"))
    if known is None or not known.is_person:
        return None
    return Party(
        address=known, alternate=_other(known, address(member(me, "lid"))), push_name=text(me, "pushName")
    )


def configured(
    config: Node,
    webhook: Webhook,
    *,
    metadata: Mapping[str, str],
    ignore: Mapping[str, bool],
) -> dict[str, object]:
    """Return a whole configuration with our webhook in it, keeping what else an operator has set.

    An entry with the same path counts as ours, because only the public host may have moved. WAHA replaces the
    whole configuration, so that whatever is left out would be lost.
    """
    entries = items(config, "webhooks")
    known = next((one for one in entries if _path_of(one) == urlsplit(webhook.url).path), None)
    ours = {
        **(known if isinstance(known, dict) else {}),
        "url": webhook.url,
        "events": list(webhook.events),
        "hmac": {"key": webhook.hmac_key},
        "retries": _RETRIES,
    }
    return {
        **config,
        "metadata": {**child(config, "metadata"), **metadata},
        "ignore": {**child(config, "ignore"), **ignore},
        "webhooks": [*(one for one in entries if one is not known), ours],
    }


def is_same(config: Node, known: Node) -> bool:
    """Return whether two configurations mean the same: WAHA fills in defaults and nulls of its own."""
    return all(_covers(member(known, name), value) for name, value in config.items())


def _path_of(webhook: object) -> str | None:
    try:
        return urlsplit(text(webhook, "url") or "").path
    except ValueError:
        return None


def _covers(known: object, wanted: object) -> bool:
    if isinstance(wanted, dict):
        return all(_covers(member(known, name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(known, list):
        return len(wanted) == len(known) and all(map(_covers, known, wanted))
    return known == wanted


def _other(known: WhatsAppAddress, alternate: WhatsAppAddress | None) -> WhatsAppAddress | None:
    differs = alternate is not None and alternate.is_person and alternate != known
    return alternate if differs else None
