"""What messages contain, as published: one type per kind of WhatsApp content."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.crm import content as domain
from domain.crm.content import MediaStatus
from resolvers.crm import media as resolve
from schema.fields import computed, edge, plain, represents

CAPTION = "What is written under it."
REMARK = "Text that comes with it."
NOTE = "Whether it can be looked at only once."


@strawberry.type(description="A file that belongs to a message.")
class Media:
    """A file."""

    status: MediaStatus = plain("Whether it can be fetched.")
    url: str | None = edge(
        resolve.url, "Where to fetch it, without a credential, for an hour at least; null unless STORED."
    )
    error: str | None = computed(
        lambda media: media.error if media.status is MediaStatus.FAILED else None, "Why it FAILED."
    )
    mime_type: str | None = plain("Its type, such as image/jpeg.")
    filename: str | None = plain("What it was called.")
    size_bytes: int | None = computed(lambda media: media.size, "Its size in bytes.")
    duration_seconds: int | None = plain("How long it plays, in seconds.")
    width: int | None = plain("Its width in pixels.")
    height: int | None = plain("Its height in pixels.")


@strawberry.type(description="The advertisement that a conversation came from.")
class AdReferral:
    """A click on an advertisement that opens WhatsApp."""

    source_id: str | None = plain("The advertisement's id.")
    source_type: str | None = plain("What it is, such as ad or post.")
    source_app: str | None = plain("Where it was shown, such as instagram.")
    source_url: str | None = plain("Its address.")
    title: str | None = plain("Its headline.")
    body: str | None = plain("Its text.")
    click_id: str | None = plain("The id of the click, for reporting conversions.")


@strawberry.type(description="Text.")
@represents(domain.TextContent)
class TextContent:
    """Text."""

    text: str = plain("The text in its latest wording.")
    link_url: str | None = plain("The address that WhatsApp shows a preview of.")
    referral: AdReferral | None = plain("The advertisement that led here; on a first message only.")


@strawberry.type(description="A picture.")
@represents(domain.ImageContent)
class ImageContent:
    """A picture."""

    media: Media = plain("The file.")
    text: str | None = plain(CAPTION)
    is_view_once: bool = plain(NOTE)
    referral: AdReferral | None = plain("The advertisement that led here; on a first message only.")


@strawberry.type(description="A film.")
@represents(domain.VideoContent)
class VideoContent:
    """A film."""

    media: Media = plain("The file.")
    text: str | None = plain(CAPTION)
    is_note: bool = plain("Whether it is the round kind.")
    is_gif: bool = plain("Whether it plays again and again without sound.")
    is_view_once: bool = plain(NOTE)


@strawberry.type(description="A sound file.")
@represents(domain.AudioContent)
class AudioContent:
    """A sound file."""

    media: Media = plain("The file.")
    text: str | None = plain(CAPTION)


@strawberry.type(description="A voice note recorded in WhatsApp.")
@represents(domain.VoiceContent)
class VoiceContent:
    """A voice note."""

    media: Media = plain("The file.")
    text: str | None = plain(CAPTION)
    is_view_once: bool = plain("Whether it can be heard only once.")


@strawberry.type(description="Any other file.")
@represents(domain.DocumentContent)
class DocumentContent:
    """A document."""

    media: Media = plain("The file.")
    text: str | None = plain(CAPTION)
    title: str | None = plain("What the sender calls it.")


@strawberry.type(description="A sticker.")
@represents(domain.StickerContent)
class StickerContent:
    """A sticker."""

    media: Media = plain("The file.")
    is_animated: bool = plain("Whether it moves.")


@strawberry.type(description="A place, in degrees of WGS 84.")
@represents(domain.LocationContent)
class LocationContent:
    """A place."""

    latitude: float = plain("Degrees north of the equator.")
    longitude: float = plain("Degrees east of Greenwich.")
    name: str | None = plain("What the place is called.")
    address: str | None = plain("Its postal address.")
    url: str | None = plain("A page about it.")
    is_live: bool = plain("Whether somebody shares where they move.")
    text: str | None = plain(REMARK)


@strawberry.type(description="One shared contact.")
class ContactCard:
    """A contact card."""

    name: str = plain("The name on the card.")
    phones: list[str] = plain("The numbers on it, as written.")
    vcard: str = plain("The card itself (RFC 6350).")


@strawberry.type(description="Shared contacts.")
@represents(domain.ContactCardContent)
class ContactCardContent:
    """One or more contact cards."""

    contacts: list[ContactCard] = plain("The cards.")
    text: str | None = plain(REMARK)


@strawberry.type(description="A question with options.")
@represents(domain.PollContent)
class PollContent:
    """A poll."""

    name: str = plain("The question.")
    options: list[str] = plain("The options.")
    selectable_count: int = plain("How many may be chosen; 0 for any number.")


@strawberry.type(description="One choice of a list.")
class ListRow:
    """A row of a list."""

    id: str = plain("The sender's id of it.")
    title: str = plain("What it says.")
    description: str | None = plain("What is written below.")


@strawberry.type(description="A list offered, or, with selectedId, a choice from one.")
@represents(domain.ListContent)
class ListContent:
    """A list."""

    title: str | None = plain("The headline.")
    description: str | None = plain("What is written below the headline.")
    button: str | None = plain("What the button that opens it says.")
    footer: str | None = plain("What is written at the bottom.")
    rows: list[ListRow] = plain("The choices.")
    selected_id: str | None = plain("The id of the row that was chosen.")
    text: str | None = plain(REMARK)


@strawberry.type(description="One button.")
class Button:
    """A button."""

    id: str = plain("The sender's id of it.")
    text: str = plain("What it says.")


@strawberry.type(description="Buttons offered, or, with selectedId, a press on one.")
@represents(domain.ButtonsContent)
class ButtonsContent:
    """Buttons."""

    buttons: list[Button] = plain("The buttons.")
    header: str | None = plain("The headline.")
    footer: str | None = plain("What is written at the bottom.")
    selected_id: str | None = plain("The id of the button that was pressed.")
    params: str | None = plain("What came with the press, as JSON text.")
    text: str | None = plain(REMARK)


@strawberry.type(description="An invitation to an event.")
@represents(domain.EventContent)
class EventContent:
    """An event."""

    name: str = plain("What it is called.")
    description: str | None = plain("What it is about.")
    starts_at: datetime | None = plain("When it begins.")
    ends_at: datetime | None = plain("When it ends.")
    location: str | None = plain("Where it is.")
    is_cancelled: bool = plain("Whether it was called off.")


@strawberry.type(description="An order or a product of a WhatsApp Business catalogue.")
@represents(domain.OrderContent)
class OrderContent:
    """An order."""

    order_id: str | None = plain("The order's id.")
    title: str | None = plain("What is ordered.")
    item_count: int | None = plain("How many items.")
    total_amount_1000: str | None = computed(
        lambda order: None if order.total_amount_1000 is None else str(order.total_amount_1000),
        "The total in thousandths of the currency's unit; a text, because it may exceed Int.",
    )
    currency: str | None = plain("The currency (ISO 4217).")
    text: str | None = plain(REMARK)


@strawberry.type(description="A notice of WhatsApp itself, such as a change of a group.")
@represents(domain.SystemContent)
class SystemContent:
    """A notice."""

    notice: str = plain("What happened, in WhatsApp's word for it.")
    text: str | None = plain(REMARK)


@strawberry.type(description="Something this version cannot read.")
@represents(domain.UnsupportedContent)
class UnsupportedContent:
    """Something new."""

    raw_kind: str = plain("The engine's name for it.")
    raw: str = plain("Its payload as JSON text.")
    text: str | None = plain(REMARK)


MessageContent = Annotated[
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
    | UnsupportedContent,
    strawberry.union("MessageContent", description="What a message contains, in its latest wording."),
]
