"""What messages say as text, with what was found in their files, for those who work on bursts."""

from collections.abc import Iterable, Sequence

from domain.crm.content_text import full_text, marker, stated_text
from domain.crm.enrichment import Enrichment, EnrichmentKind, EnrichmentStatus
from domain.crm.message import Message
from domain.identity.permission import Permission
from domain.ids import MessageId
from persistence.unit_of_work import Reader
from services.viewer import Viewer

_ORDER = (
    EnrichmentKind.TRANSCRIPTION,
    EnrichmentKind.DOCUMENT_TEXT,
    EnrichmentKind.DESCRIPTION,
    EnrichmentKind.OCR,
)


async def texts_of(
    reader: Reader, viewer: Viewer, *, message_ids: Sequence[MessageId]
) -> dict[MessageId, list[str]]:
    """Return what each message says beyond its own words: what was found in its file, else a marker.

    Places, cards, polls and the like are told from their content. A message of plain words has an empty list;
    one that is gone has none.
    """
    viewer.require(Permission.MESSAGES_READ)
    found = await found_in(reader, message_ids=message_ids)
    known = await reader.messages.find_many(message_ids)
    texts: dict[MessageId, list[str]] = {}
    for message in known.values():
        said = stated_text(message.content) or marker(message.content)
        texts[message.id] = found.get(message.id) or ([said] if said else [])
    return texts


async def full_texts(reader: Reader, viewer: Viewer, *, messages: Sequence[Message]) -> dict[MessageId, str]:
    """Return all that each of these messages says: its words, then what `texts_of` tells."""
    viewer.require(Permission.MESSAGES_READ)
    found = await found_in(reader, message_ids=[message.id for message in messages])
    return {one.id: full_text(one.content, text=one.text, found=found.get(one.id, ())) for one in messages}


async def found_in(reader: Reader, *, message_ids: Sequence[MessageId]) -> dict[MessageId, list[str]]:
    """Return what was found in the files of messages, those left out in which nothing was found (yet)."""
    known = await reader.enrichments.of_messages(message_ids)
    return found_by_message(one for several in known.values() for one in several)


def found_by_message(known: Iterable[Enrichment]) -> dict[MessageId, list[str]]:
    """Return what enrichments found, by message, the words of a file before what it shows."""
    texts: dict[MessageId, list[str]] = {}
    done = [one for one in known if one.status is EnrichmentStatus.COMPLETED and one.text]
    for one in sorted(done, key=lambda one: _ORDER.index(one.type)):
        texts.setdefault(one.message_id, []).append(one.text or "")
    return texts


async def is_waiting(reader: Reader, viewer: Viewer, *, message_ids: Sequence[MessageId]) -> bool:
    """Whether something may still be found in the files of these messages without anybody's doing."""
    viewer.require(Permission.MESSAGES_READ)
    return await reader.enrichments.open_among(message_ids) > 0
