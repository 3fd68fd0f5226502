"""Which texts are to be had from a message's file, by its kind, its type, and what a channel wants."""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.crm.chat import ChatType
from domain.crm.content import ContentKind, Media, MediaStatus, MessageContent, VideoContent, media_of
from domain.crm.enrichment import EnrichmentKind
from domain.crm.enrichment_rules import EnrichmentRules
from domain.crm.file_type import UNKNOWN

_MEGABYTE = 1024 * 1024
LIMITS = {
    EnrichmentKind.TRANSCRIPTION: 25 * _MEGABYTE,
    EnrichmentKind.OCR: 10 * _MEGABYTE,
    EnrichmentKind.DESCRIPTION: 10 * _MEGABYTE,
    EnrichmentKind.DOCUMENT_TEXT: 64 * _MEGABYTE,
}
"""The largest file that is worked on, in bytes; OpenAI takes recordings of 25 MB and no more."""

_PRIORITIES = {
    ContentKind.VOICE: 10,
    ContentKind.AUDIO: 8,
    ContentKind.IMAGE: 7,
    ContentKind.DOCUMENT: 6,
    ContentKind.VIDEO: 3,
}
_PICTURES = {"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/gif", "image/webp"}
_OGG = "application/ogg"
_NO_SOUND_OF_VIDEOS = "Nothing is set up here that writes down what is said in videos."


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """What an installation can find out: it has a provider, or a reader of its own, for each of these kinds.

    `hears_video` says that what is said in videos can be written down too.
    """

    kinds: frozenset[EnrichmentKind] = frozenset()
    hears_video: bool = False


NOTHING = Abilities()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One text to be had; `refusal` says why it is not, for people to read."""

    kind: EnrichmentKind
    priority: int
    refusal: str | None = None


def is_heard(chat_type: ChatType, *, group_chats: bool) -> bool:
    """Whether files of a chat are worked on: those of people, and of groups where these are worked on at all."""
    return chat_type is ChatType.INDIVIDUAL or (chat_type is ChatType.GROUP and group_chats)


def route(content: MessageContent, *, rules: EnrichmentRules, abilities: Abilities) -> tuple[Wanted, ...]:
    """Return the texts to be had from a content's file, the same every time.

    Before the file is stored its type and size are only what its sender says, so it is asked once more then.
    What the channel does not want is left out; so is what cannot be done, unless the channel names it.
    """
    media = media_of(content)
    priority = _PRIORITIES.get(content.kind)
    if media is None or priority is None:
        return ()
    found = []
    for kind, refusal in _possible(content, media, abilities):
        if not rules.wants(kind):
            continue
        if kind not in abilities.kinds:
            if rules.kinds is None:
                continue
            refusal = f"Nothing is set up here for {kind.value}."  # noqa: PLW2901 It outranks all others.
        found.append(Wanted(kind=kind, priority=priority, refusal=refusal or _size_refusal(kind, media)))
    return tuple(found)


def _possible(
    content: MessageContent, media: Media, abilities: Abilities
) -> Iterable[tuple[EnrichmentKind, str | None]]:
    is_stored = media.status is MediaStatus.STORED
    said = (media.mime_type or UNKNOWN).partition(";")[0].strip().lower()
    family = _family(content.kind, said, is_stored=is_stored)
    if family == "audio":
        is_sound = said.startswith("audio/") or said in {_OGG, "video/mp4", "video/webm", "video/ogg"}
        refusal = f"The file is no sound: {said}." if is_stored and not is_sound else None
        return ((EnrichmentKind.TRANSCRIPTION, refusal),)
    if family == "image":
        refusal = (
            f"Models take no pictures of the type {said}." if is_stored and said not in _PICTURES else None
        )
        return (EnrichmentKind.DESCRIPTION, refusal), (EnrichmentKind.OCR, refusal)
    if family == "video":
        if isinstance(content, VideoContent) and content.is_gif:
            return ()
        refusal = None if abilities.hears_video else _NO_SOUND_OF_VIDEOS
        if is_stored and not said.startswith("video/"):
            refusal = f"The file is no video: {said}."
        return ((EnrichmentKind.TRANSCRIPTION, refusal),)
    return ((EnrichmentKind.DOCUMENT_TEXT, None),)


def _family(kind: ContentKind, said: str, *, is_stored: bool) -> str:
    """Return what a file is worked on as. Documents may be recordings and pictures, once their type is proved."""
    if kind is ContentKind.DOCUMENT:
        family = said.partition("/")[0] if is_stored else "document"
        return family if family in {"audio", "image", "video"} else "document"
    return {ContentKind.VOICE: "audio", ContentKind.IMAGE: "image", ContentKind.VIDEO: "video"}.get(
        kind, "audio"
    )


def _size_refusal(kind: EnrichmentKind, media: Media) -> str | None:
    limit = LIMITS[kind]
    if media.size is None or media.size <= limit:
        return None
    return f"The file has {media.size} bytes, over {limit}, the most for {kind.value}."
