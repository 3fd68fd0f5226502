"""What a message holds, one struct per kind; the control API takes the same shapes."""

from typing import TypeAlias

import msgspec


class Referral(msgspec.Struct, kw_only=True, rename="camel"):
    """The advertisement a conversation started from (click to WhatsApp)."""

    source_id: str = "120230000000000001"
    source_url: str = "https://www.instagram.com/p/EXEMPLO/"
    source_app: str = "instagram"
    source_type: str = "ad"
    title: str = "Campanha Exemplo"
    body: str = "Fale com a gente no WhatsApp"
    ctwa_clid: str | None = "AfDEMOctwaClidExample0001"


class Preview(msgspec.Struct, kw_only=True, rename="camel"):
    """The card under a link."""

    url: str
    title: str = ""
    description: str = ""


class Kind(msgspec.Struct, kw_only=True, rename="camel", tag_field="kind"):
    """What every kind of content may carry."""

    forwarded: bool = False
    referral: Referral | None = None


class Text(Kind, tag="text"):
    """A written message."""

    text: str
    mentions: list[str] = msgspec.field(default_factory=list)
    preview: Preview | None = None


class Media(Kind):
    """A kind with a file; `data` is base64, and without it the simulator makes a small real file."""

    caption: str | None = None
    data: str | None = None
    mimetype: str | None = None
    filename: str | None = None


class Image(Media, tag="image"):
    """A photo; `description` is what it shows, kept inside the generated file."""

    view_once: bool = False
    description: str | None = None


class Video(Media, tag="video"):
    """A video; `note` makes it a round one, `gif` a silent loop."""

    note: bool = False
    gif: bool = False
    seconds: int = 9


class Voice(Media, tag="voice"):
    """A voice note recorded in the app; `words` are what it says, kept inside the generated file."""

    seconds: int = 12
    words: str | None = None


class Audio(Media, tag="audio"):
    """An audio file; `words` are what it says, kept inside the generated file."""

    seconds: int = 30
    words: str | None = None


class Document(Media, tag="document"):
    """Any file sent as a document."""


class Sticker(Media, tag="sticker"):
    """A sticker."""


class Location(Kind, tag="location"):
    """A place, or with `live` where somebody is moving."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None
    url: str | None = None
    description: str | None = None
    live: bool = False


class ContactCard(msgspec.Struct, kw_only=True, rename="camel"):
    """One person in a contact message, as fields or as a finished vCard."""

    full_name: str = ""
    phone_number: str = ""
    organization: str | None = None
    whatsapp_id: str | None = None
    vcard: str | None = None


class Contacts(Kind, tag="contacts"):
    """One or more address cards."""

    contacts: list[ContactCard]


class Poll(Kind, tag="poll"):
    """A question with options."""

    name: str
    options: list[str]
    multiple_answers: bool = False


class ListReply(Kind, tag="list_reply"):
    """The row picked from a list message."""

    title: str
    row_id: str
    description: str | None = None


class ButtonReply(Kind, tag="button_reply"):
    """The button pressed under a message."""

    text: str
    button_id: str


class Order(Kind, tag="order"):
    """A cart sent from the catalogue; `total` is in thousandths of the currency."""

    order_id: str = "1000000000000001"
    title: str = "Loja Exemplo"
    item_count: int = 1
    total: int = 199900
    currency: str = "BRL"


class CalendarEvent(Kind, tag="event"):
    """An invitation; times are unix seconds."""

    name: str
    start_time: int
    end_time: int | None = None
    description: str | None = None
    location: str | None = None
    canceled: bool = False


class Unsupported(Kind, tag="unsupported"):
    """Something linked devices cannot show: a message without body or media."""


Content: TypeAlias = (
    Text
    | Image
    | Video
    | Voice
    | Audio
    | Document
    | Sticker
    | Location
    | Contacts
    | Poll
    | ListReply
    | ButtonReply
    | Order
    | CalendarEvent
    | Unsupported
)


def body_of(content: Content) -> str | None:
    """The text WAHA shows as `body` (GOWS, NOWEB), or None when the kind has none."""
    match content:
        case Text(text=text) | ButtonReply(text=text):
            return text
        case Image(caption=caption) | Video(caption=caption) | Document(caption=caption):
            return caption
        case ListReply(title=title, description=description):
            return f"{title}\n{description}" if description else title
        case _:
            return None


def vcards_of(content: Content) -> list[str] | None:
    """The vCards of a contact message, None for other kinds."""
    return [_vcard(card) for card in content.contacts] if isinstance(content, Contacts) else None


def _vcard(card: ContactCard) -> str:
    if card.vcard:
        return card.vcard
    waid = card.whatsapp_id or "".join(c for c in card.phone_number if c.isdigit())
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{card.full_name};;;", f"FN:{card.full_name}"]
    if card.organization:
        lines.append(f"ORG:{card.organization};")
    lines += [f"TEL;type=CELL;type=VOICE;waid={waid}:{card.phone_number}", "END:VCARD"]
    return "\n".join(lines)
