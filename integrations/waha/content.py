"""What the readers of message contents share: media, places, contact cards, placeholders."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from domain.crm.content import (
    AudioContent,
    ContactCard,
    ContactCardContent,
    DocumentContent,
    ImageContent,
    LocationContent,
    Media,
    MediaContent,
    UnsupportedContent,
    VideoContent,
)
from integrations.waha.fields import EMPTY, Node, child, compact, flag, integer, items, member, number, text

_FILENAME_LIMIT, _ERROR_LIMIT, _KIND_LIMIT, _CARDS_LIMIT = 255, 200, 100, 500
_LATITUDE, _LONGITUDE = 90, 180
_FOLD = re.compile(r"\r?\n[ \t]")


@dataclass(frozen=True, slots=True)
class Nothing:
    """A payload without anything to show, and why."""

    reason: str


PROTOCOL = Nothing("protocol")
"""Traffic of the protocol itself, such as keys and settings."""

BLANK = Nothing("no content")
"""A message with neither text nor file."""


def unsupported(payload: Node, *, raw_kind: str) -> UnsupportedContent:
    """Return a placeholder that keeps everything, so that nobody misses that something was written."""
    return UnsupportedContent(
        raw_kind=raw_kind[:_KIND_LIMIT], raw=compact(payload), text=text(payload, "body")
    )


def media_of(payload: Node, node: Node = EMPTY) -> Media:
    """Return the file of a message: where WAHA offers it, and what the engine's record `node` knows of it.

    WAHA leaves `media` or its `url` empty when downloads are off, filtered or failed; `error` then says so.
    """
    offered = child(payload, "media")
    url = text(offered, "url")
    filename = text(offered, "filename") or text(node, "fileName")
    mime_type = text(offered, "mimetype") or text(node, "mimetype")
    return Media(
        mime_type=None if mime_type is None else mime_type.partition(";")[0].strip().lower() or None,
        filename=None
        if filename is None
        else filename.replace("\\", "/").rpartition("/")[2][-_FILENAME_LIMIT:],
        size=integer(node, "fileLength", "size"),
        duration_seconds=integer(node, "seconds", "duration"),
        width=integer(node, "width"),
        height=integer(node, "height"),
        url=url,
        error=None if url else _media_error(member(offered, "error")),
    )


def by_mime_type(media: Media, caption: str | None) -> MediaContent:
    """Return the kind of content that a file of this type usually is."""
    kinds: dict[str, Callable[[], MediaContent]] = {
        "image": lambda: ImageContent(media=media, text=caption),
        "video": lambda: VideoContent(media=media, text=caption),
        "audio": lambda: AudioContent(media=media, text=caption),
    }
    make = kinds.get((media.mime_type or "").partition("/")[0])
    return DocumentContent(media=media, text=caption) if make is None else make()


def location_of(payload: Node, node: Node = EMPTY, *, is_live: bool = False) -> LocationContent | None:
    """Return the place in a payload, or in the engine's record; None if its degrees are none."""
    told = child(payload, "location")
    latitude = number(told, "latitude")
    longitude = number(told, "longitude")
    if latitude is None or longitude is None:
        latitude = number(node, "degreesLatitude", "lat")
        longitude = number(node, "degreesLongitude", "lng")
    if latitude is None or longitude is None or abs(latitude) > _LATITUDE or abs(longitude) > _LONGITUDE:
        return None
    return LocationContent(
        latitude=float(latitude),
        longitude=float(longitude),
        name=text(told, "name") or text(node, "name"),
        address=text(told, "address") or text(node, "address"),
        url=text(told, "url") or text(node, "url"),
        is_live=is_live or flag(told, "live"),
        text=text(told, "description") or text(node, "caption", "comment"),
    )


def cards_of(payload: Node, node: Node = EMPTY) -> ContactCardContent | None:
    """Return the shared contacts of a payload, or of the engine's record; None if there are none."""
    shared = items(node, "contacts") or items(node, "vcardList") or ([node] if text(node, "vcard") else [])
    cards = [_card(text(one, "vcard") or "", text(one, "displayName")) for one in shared[:_CARDS_LIMIT]]
    if not cards:
        cards = [_card(one, None) for one in items(payload, "vCards")[:_CARDS_LIMIT] if isinstance(one, str)]
    return ContactCardContent(contacts=tuple(cards)) if cards else None


def _card(vcard: str, name: str | None) -> ContactCard:
    fields = [line.partition(":") for line in _FOLD.sub("", vcard).splitlines()]
    named = {
        key.partition(";")[0].rpartition(".")[2].upper(): value.strip() for key, _, value in reversed(fields)
    }
    phones = [
        value.strip().removeprefix("tel:")
        for key, _, value in fields
        if key.partition(";")[0].rpartition(".")[2].upper() == "TEL" and value.strip()
    ]
    spelled = " ".join(part for part in named.get("N", "").split(";") if part)
    return ContactCard(name=name or named.get("FN") or spelled, phones=tuple(phones), vcard=vcard)


def _media_error(told: object) -> str:
    # WAHA documents a text; real servers send an object with a message, details and a code.
    reason = told if isinstance(told, str) else text(told, "details", "message")
    return (reason or "WAHA offered no file.")[:_ERROR_LIMIT]
