"""What a message can contain: one value object per kind of WhatsApp content."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import ClassVar

from domain.ids import MediaId


class ContentKind(Enum):
    """The kinds of content, as the API names them."""

    TEXT = "TEXT"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    VOICE = "VOICE"
    DOCUMENT = "DOCUMENT"
    STICKER = "STICKER"
    LOCATION = "LOCATION"
    CONTACT_CARD = "CONTACT_CARD"
    POLL = "POLL"
    LIST = "LIST"
    BUTTONS = "BUTTONS"
    EVENT = "EVENT"
    ORDER = "ORDER"
    SYSTEM = "SYSTEM"
    UNSUPPORTED = "UNSUPPORTED"


class MediaStatus(Enum):
    """Whether we keep a message's file."""

    PENDING = "PENDING"
    STORED = "STORED"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """A file that belongs to a message. `url` is where WAHA or the caller offers it, never shown to clients.

    `size` in bytes and `duration_seconds` are None when unknown. `error` says why there is no file; while the
    file is PENDING, why it was not offered at first.
    """

    id: MediaId | None = None
    status: MediaStatus = MediaStatus.PENDING
    mime_type: str | None = None
    filename: str | None = None
    size: int | None = None
    duration_seconds: int | None = None
    width: int | None = None
    height: int | None = None
    url: str | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdReferral:
    """Where a click-to-WhatsApp conversation came from (WAHA: `contextInfo.externalAdReply`)."""

    source_id: str | None = None
    source_type: str | None = None
    source_app: str | None = None
    source_url: str | None = None
    title: str | None = None
    body: str | None = None
    click_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TextContent:
    """Plain text; `referral` only on the first message after an advertisement."""

    kind: ClassVar[ContentKind] = ContentKind.TEXT
    text: str
    link_url: str | None = None
    referral: AdReferral | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageContent:
    """A picture with an optional caption."""

    kind: ClassVar[ContentKind] = ContentKind.IMAGE
    media: Media
    text: str | None = None
    is_view_once: bool = False
    referral: AdReferral | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoContent:
    """A film with an optional caption; `is_note` for the round kind, `is_gif` for one that loops."""

    kind: ClassVar[ContentKind] = ContentKind.VIDEO
    media: Media
    text: str | None = None
    is_note: bool = False
    is_gif: bool = False
    is_view_once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioContent:
    """A sound file."""

    kind: ClassVar[ContentKind] = ContentKind.AUDIO
    media: Media
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceContent:
    """A voice note recorded in WhatsApp."""

    kind: ClassVar[ContentKind] = ContentKind.VOICE
    media: Media
    text: str | None = None
    is_view_once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentContent:
    """Any other file, with an optional caption."""

    kind: ClassVar[ContentKind] = ContentKind.DOCUMENT
    media: Media
    text: str | None = None
    title: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StickerContent:
    """A sticker."""

    kind: ClassVar[ContentKind] = ContentKind.STICKER
    media: Media
    text: str | None = None
    is_animated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LocationContent:
    """A place in WGS 84 degrees; `is_live` while somebody shares where they move, `text` its comment."""

    kind: ClassVar[ContentKind] = ContentKind.LOCATION
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None
    url: str | None = None
    is_live: bool = False
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactCard:
    """One shared contact: its display name, its numbers as written, and the vCard itself (RFC 6350)."""

    name: str
    phones: tuple[str, ...] = ()
    vcard: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactCardContent:
    """One or more shared contacts."""

    kind: ClassVar[ContentKind] = ContentKind.CONTACT_CARD
    contacts: tuple[ContactCard, ...]
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PollContent:
    """A question with options; `selectable_count` 0 means any number may be chosen."""

    kind: ClassVar[ContentKind] = ContentKind.POLL
    name: str
    options: tuple[str, ...]
    selectable_count: int = 0
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListRow:
    """One choice of a list."""

    id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListContent:
    """A list offered, or, with `selected_id`, somebody's choice from one."""

    kind: ClassVar[ContentKind] = ContentKind.LIST
    title: str | None = None
    description: str | None = None
    button: str | None = None
    footer: str | None = None
    rows: tuple[ListRow, ...] = ()
    selected_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Button:
    """One button."""

    id: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ButtonsContent:
    """Buttons offered, or, with `selected_id`, somebody's press on one; `params` as JSON text if it has any."""

    kind: ClassVar[ContentKind] = ContentKind.BUTTONS
    buttons: tuple[Button, ...] = ()
    header: str | None = None
    footer: str | None = None
    selected_id: str | None = None
    params: str | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventContent:
    """An invitation to an event."""

    kind: ClassVar[ContentKind] = ContentKind.EVENT
    name: str
    description: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    location: str | None = None
    is_cancelled: bool = False
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderContent:
    """An order or a product of a WhatsApp Business catalogue; amounts in thousandths of the currency unit."""

    kind: ClassVar[ContentKind] = ContentKind.ORDER
    order_id: str | None = None
    title: str | None = None
    item_count: int | None = None
    total_amount_1000: int | None = None
    currency: str | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemContent:
    """A notice of WhatsApp itself, such as a change of a group."""

    kind: ClassVar[ContentKind] = ContentKind.SYSTEM
    notice: str
    text: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnsupportedContent:
    """Something this version cannot read. `raw_kind` is the engine's name for it, `raw` its payload as JSON text."""

    kind: ClassVar[ContentKind] = ContentKind.UNSUPPORTED
    raw_kind: str
    raw: str
    text: str | None = None


MessageContent = (
    TextContent
    | ImageContent
    | VideoContent
    | AudioContent
    | VoiceContent
    | DocumentContent
    | StickerContent
    | LocationContent
    | ContactCardContent
    | PollContent
    | ListContent
    | ButtonsContent
    | EventContent
    | OrderContent
    | SystemContent
    | UnsupportedContent
)

MediaContent = ImageContent | VideoContent | AudioContent | VoiceContent | DocumentContent | StickerContent

CONTENT_TYPES: dict[ContentKind, type[MessageContent]] = {
    content.kind: content for content in MessageContent.__args__
}
"""The class of each kind of content."""


def media_of(content: MessageContent) -> Media | None:
    """Return the file of the content, if it is of a kind that has one."""
    return content.media if isinstance(content, MediaContent) else None


def with_media(content: MessageContent, media: Media) -> MessageContent:
    """Return the content with another file; contents without files are returned unchanged."""
    return replace(content, media=media) if isinstance(content, MediaContent) else content


def with_text(content: MessageContent, text: str) -> MessageContent:
    """Return the content with another body or caption."""
    return replace(content, text=text)
