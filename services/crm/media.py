"""The steps of fetching a message's file, each a transaction, and who may see the file afterwards."""

from dataclasses import dataclass, replace
from datetime import timedelta

from domain.crm.channel import Channel
from domain.crm.content import ContentKind, Media, MediaStatus, media_of
from domain.crm.enrichment_routing import NOTHING, Abilities
from domain.crm.file_type import true_type
from domain.crm.message import Message
from domain.errors import NotFound
from domain.identity.permission import Permission
from domain.ids import MediaId
from domain.values import AddressKind, StoredFile, WhatsAppAddress
from persistence.messaging import media as rows
from persistence.messaging.media import Fetch, KeptFile
from persistence.unit_of_work import Reader, UnitOfWork
from services.crm.enrichment_files import file_lost, file_stored
from services.viewer import Viewer

_MEGABYTE = 1024 * 1024
LIMITS = {
    ContentKind.IMAGE: 10 * _MEGABYTE,
    ContentKind.VIDEO: 64 * _MEGABYTE,
    ContentKind.AUDIO: 25 * _MEGABYTE,
    ContentKind.VOICE: 25 * _MEGABYTE,
    ContentKind.DOCUMENT: 64 * _MEGABYTE,
    ContentKind.STICKER: 1 * _MEGABYTE,
}
"""The largest file kept of each kind, in bytes."""

LEASE = timedelta(seconds=60)
"""How long a worker holds a file without saying so again; shorter than WAHA keeps files."""

ATTEMPTS = 6
"""How often a file that WAHA does not have is asked for: the phone may upload it again when it is online."""

GIVE_UP_AFTER = timedelta(hours=24)
"""How long a WAHA that is away, or not connected, is waited for."""

_PAUSES = (5, 30, 120, 600, 1800)


@dataclass(frozen=True, kw_only=True)
class FileErrand:
    """A file to be fetched, with everything a call to WAHA needs; `limit` is in bytes."""

    fetch: Fetch
    channel: Channel
    external_id: str
    from_me: bool
    chat: WhatsAppAddress
    author: WhatsAppAddress | None
    limit: int


async def claim(uow: UnitOfWork, viewer: Viewer, *, media_id: MediaId) -> FileErrand | None:
    """Claim a file for one attempt, or return None if it is not due or cannot be fetched at all."""
    viewer.require(Permission.MESSAGES_READ)
    fetch = await rows.claim(uow.session, media_id, lease=LEASE)
    if fetch is None:
        return None
    message = await uow.messages.find(fetch.message_id)
    channel = await uow.channels.find(fetch.channel_id)
    chat = WhatsAppAddress.parse(fetch.chat_address)
    if message is None or message.external_id is None or channel is None or chat is None:
        await _give_up(uow, fetch, reason="The message has no place on WhatsApp any more.")
        return None
    if fetch.abandoned and fetch.attempts > ATTEMPTS:
        await _give_up(uow, fetch, reason="Every attempt to store the file was interrupted.")
        return None
    return FileErrand(
        fetch=fetch,
        channel=channel,
        external_id=message.external_id,
        from_me=not message.is_inbound,
        chat=chat,
        author=_author(fetch, message, channel) if chat.kind is AddressKind.GROUP else None,
        limit=LIMITS.get(message.content_kind, min(LIMITS.values())),
    )


async def hold(uow: UnitOfWork, viewer: Viewer, *, errand: FileErrand) -> None:
    """Keep the claim of an attempt that goes on."""
    viewer.require(Permission.MESSAGES_READ)
    await rows.hold(uow.session, errand.fetch, lease=LEASE)


async def store(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    errand: FileErrand,
    file: StoredFile,
    told: Media,
    abilities: Abilities = NOTHING,
) -> bool:
    """Note that the file is kept, and describe it in its message; return False if that was done already.

    `told` is what WAHA said about the file, for what the message did not say; `abilities`, what can be found out
    about it.
    """
    viewer.require(Permission.MESSAGES_READ)
    message, known = await _owner(uow, errand.fetch)
    stored = replace(
        known,
        status=MediaStatus.STORED,
        mime_type=true_type(known.mime_type or told.mime_type, file.beginning),
        filename=known.filename or told.filename,
        size=file.size,
        error=None,
    )
    is_ours = await rows.store(uow.session, errand.fetch, stored, sha256=file.sha256, at=uow.now)
    if is_ours:
        message.store_media(stored, at=uow.now)
        await file_stored(
            uow, message, media_id=errand.fetch.media_id, channel=errand.channel, abilities=abilities
        )
    return is_ours


async def give_up(uow: UnitOfWork, viewer: Viewer, *, errand: FileErrand, reason: str) -> None:
    """Note that there will be no file."""
    viewer.require(Permission.MESSAGES_READ)
    await _give_up(uow, errand.fetch, reason=reason)


async def miss(uow: UnitOfWork, viewer: Viewer, *, errand: FileErrand, reason: str) -> bool:
    """Ask again for a file that WAHA does not have, some times; return whether that was the last."""
    viewer.require(Permission.MESSAGES_READ)
    if errand.fetch.attempts >= ATTEMPTS:
        await _give_up(uow, errand.fetch, reason=reason)
        return True
    await _postpone(uow, errand.fetch, reason=reason, after=None)
    return False


async def retry_later(
    uow: UnitOfWork, viewer: Viewer, *, errand: FileErrand, reason: str, after: float | None
) -> bool:
    """Try again, because WAHA could not say, for a day; return whether that was the last time.

    `after` is the pause in seconds the service asked for.
    """
    viewer.require(Permission.MESSAGES_READ)
    if uow.now - errand.fetch.created_at > GIVE_UP_AFTER:
        await _give_up(uow, errand.fetch, reason=reason)
        return True
    await _postpone(uow, errand.fetch, reason=reason, after=after)
    return False


async def find(reader: Reader, viewer: Viewer, *, media_id: MediaId) -> KeptFile | None:
    """Return what is known of a file that the viewer can see."""
    viewer.require(Permission.MESSAGES_READ)
    found = await rows.find(reader.session, media_id)
    return found if found is not None and found.project_id == viewer.project_id else None


async def find_linked(reader: Reader, *, media_id: MediaId) -> KeptFile | None:
    """Return what is known of a file whose signed link the caller has shown."""
    return await rows.find(reader.session, media_id)


def _author(fetch: Fetch, message: Message, channel: Channel) -> WhatsAppAddress | None:
    if not message.is_inbound:
        return None if channel.phone is None else WhatsAppAddress.of_phone(channel.phone)
    return WhatsAppAddress.parse(fetch.author_address) if fetch.author_address else None


async def _give_up(uow: UnitOfWork, fetch: Fetch, *, reason: str) -> None:
    message, known = await _owner(uow, fetch)
    failed = replace(known, status=MediaStatus.FAILED, error=reason[: rows.ERROR_LIMIT])
    if await rows.give_up(uow.session, fetch, error=reason):
        message.store_media(failed, at=uow.now)
        await file_lost(uow, message, media_id=fetch.media_id, reason=f"There is no file: {reason}")


async def _postpone(uow: UnitOfWork, fetch: Fetch, *, reason: str, after: float | None) -> None:
    pause = after or _PAUSES[min(fetch.attempts, len(_PAUSES)) - 1]
    await rows.postpone(uow.session, fetch, error=reason, until=uow.now + timedelta(seconds=pause))


async def _owner(uow: UnitOfWork, fetch: Fetch) -> tuple[Message, Media]:
    """Lock the message that a file belongs to by now, and return it with what it says about the file.

    Raises `NotFound` when the message has gone.
    """
    owner = await rows.message_of(uow.session, fetch.media_id)
    if owner is None:
        raise NotFound("The message of this file is gone.")
    message = await uow.messages.get_for_update(owner)
    known = media_of(message.content)
    # A message that took over its twin's file describes that one; this one is kept without being shown.
    return message, known if known is not None and known.id == fetch.media_id else Media(id=fetch.media_id)
