"""Message contents in the format of WhatsApp Web, which WEBJS and WPP pass on: `_data.type` names the kind."""

from collections.abc import Callable
from dataclasses import dataclass

from domain.crm.content import (
    AudioContent,
    Button,
    ButtonsContent,
    DocumentContent,
    EventContent,
    ImageContent,
    ListContent,
    ListRow,
    MessageContent,
    OrderContent,
    PollContent,
    StickerContent,
    SystemContent,
    TextContent,
    VideoContent,
    VoiceContent,
)
from integrations.waha.content import (
    BLANK,
    PROTOCOL,
    Nothing,
    by_mime_type,
    cards_of,
    location_of,
    media_of,
    unsupported,
)
from integrations.waha.fields import Node, child, flag, integer, items, member, text
from integrations.waha.referral import web_referral_of
from integrations.waha.times import instant

_NOISE = {
    "e2e_notification",
    "protocol",
    "ciphertext",
    "revoked",
    "reaction",
    "reaction_enc",
    "poll_update",
    "pin_message",
    "keep_in_chat",
    "debug",
    "album",
}
_NOTICES = {
    "gp2",
    "notification",
    "notification_template",
    "group_notification",
    "broadcast_notification",
    "call_log",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a reader is given: the payload, the library's record, and the text of the message."""

    payload: Node
    raw: Node
    body: str | None


def read(payload: Node, raw: Node) -> MessageContent | Nothing:
    """Return what the library's record says; unknown kinds become `UnsupportedContent`."""
    kind = text(raw, "type") or ""
    if kind in _NOISE:
        return PROTOCOL
    if kind in _NOTICES:
        return SystemContent(
            notice=".".join(filter(None, (kind, text(raw, "subtype")))), text=text(payload, "body")
        )
    source = Source(payload=payload, raw=raw, body=text(payload, "body"))
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(source) or unsupported(payload, raw_kind=kind)
    if flag(payload, "hasMedia"):
        return by_mime_type(media_of(payload, raw), _caption(source))
    return unsupported(payload, raw_kind=kind)


def _caption(source: Source) -> str | None:
    # Without a caption the body may be the file's name or a preview in base64.
    caption = text(source.raw, "caption")
    if caption is not None or source.body in {text(source.raw, "filename"), text(source.raw, "body")}:
        return caption
    return source.body


def _text(source: Source) -> MessageContent | Nothing:
    if source.body is None:
        return BLANK
    links = (text(link, "link") for link in items(source.raw, "links"))
    return TextContent(
        text=source.body,
        link_url=text(source.raw, "canonicalUrl", "matchedText") or next(links, None),
        referral=web_referral_of(source.raw),
    )


def _image(source: Source) -> MessageContent:
    return ImageContent(
        media=media_of(source.payload, source.raw),
        text=_caption(source),
        is_view_once=flag(source.raw, "isViewOnce"),
        referral=web_referral_of(source.raw),
    )


def _video(source: Source) -> MessageContent:
    return VideoContent(
        media=media_of(source.payload, source.raw),
        text=_caption(source),
        is_note=text(source.raw, "type") == "ptv",
        is_gif=flag(source.raw, "isGif"),
        is_view_once=flag(source.raw, "isViewOnce"),
    )


def _audio(source: Source) -> MessageContent:
    return AudioContent(media=media_of(source.payload, source.raw), text=_caption(source))


def _voice(source: Source) -> MessageContent:
    return VoiceContent(
        media=media_of(source.payload, source.raw),
        text=_caption(source),
        is_view_once=flag(source.raw, "isViewOnce"),
    )


def _document(source: Source) -> MessageContent:
    return DocumentContent(media=media_of(source.payload, source.raw), text=_caption(source))


def _sticker(source: Source) -> MessageContent:
    return StickerContent(
        media=media_of(source.payload, source.raw), is_animated=flag(source.raw, "isAnimated")
    )


def _location(source: Source) -> MessageContent | None:
    # The body of a place is its map in base64.
    return location_of(source.payload, source.raw, is_live=flag(source.raw, "isLive"))


def _cards(source: Source) -> MessageContent | None:
    found = cards_of(source.payload, source.raw)
    if found is None and source.body is not None and source.body.startswith("BEGIN:VCARD"):
        return cards_of({"vCards": [source.body]})
    return found


def _poll(source: Source) -> MessageContent | None:
    name = text(source.raw, "pollName")
    options = (text(option, "name") for option in items(source.raw, "pollOptions"))
    return (
        None
        if name is None
        else PollContent(
            name=name,
            options=tuple(option for option in options if option is not None),
            selectable_count=integer(source.raw, "pollSelectableOptionsCount") or 0,
            text=source.body,
        )
    )


def _list_offer(source: Source) -> MessageContent:
    node = child(source.raw, "list")
    rows = (row for section in items(node, "sections") for row in items(section, "rows"))
    return ListContent(
        title=text(node, "title"),
        description=text(node, "description"),
        button=text(node, "buttonText"),
        footer=text(node, "footerText") or text(source.raw, "footer"),
        rows=tuple(
            ListRow(
                id=text(row, "rowId") or "",
                title=text(row, "title") or "",
                description=text(row, "description"),
            )
            for row in rows
        ),
        text=source.body,
    )


def _list_answer(source: Source) -> MessageContent:
    node = child(source.raw, "listResponse")
    return ListContent(
        title=text(node, "title"),
        description=text(node, "description"),
        selected_id=text(child(node, "singleSelectReply"), "selectedRowId") or "",
        text=source.body or text(node, "title"),
    )


def _buttons_offer(source: Source) -> MessageContent:
    return ButtonsContent(
        buttons=tuple(
            Button(id=text(one, "buttonId") or "", text=text(child(one, "buttonText"), "displayText") or "")
            for one in items(source.raw, "dynamicReplyButtons")
        ),
        header=text(source.raw, "title"),
        footer=text(source.raw, "footer"),
        text=source.body,
    )


def _buttons_answer(source: Source) -> MessageContent:
    return ButtonsContent(
        selected_id=text(source.raw, "selectedButtonId", "selectedId") or "", text=source.body
    )


def _event(source: Source) -> MessageContent | None:
    name = text(source.raw, "eventName")
    return (
        None
        if name is None
        else EventContent(
            name=name,
            description=text(source.raw, "eventDescription"),
            starts_at=instant(member(source.raw, "eventStartTime")),
            ends_at=instant(member(source.raw, "eventEndTime")),
            location=text(child(source.raw, "eventLocation"), "name", "address"),
            is_cancelled=flag(source.raw, "isEventCanceled"),
            text=source.body,
        )
    )


def _order(source: Source) -> MessageContent:
    return OrderContent(
        order_id=text(source.raw, "orderId", "productId"),
        title=text(source.raw, "orderTitle", "title"),
        item_count=integer(source.raw, "itemCount"),
        total_amount_1000=integer(source.raw, "totalAmount1000", "priceAmount1000"),
        currency=text(source.raw, "totalCurrencyCode", "currencyCode", "currency"),
        text=text(source.raw, "message", "description"),
    )


_READERS: dict[str, Callable[[Source], MessageContent | Nothing | None]] = {
    "chat": _text,
    "image": _image,
    "video": _video,
    "ptv": _video,
    "audio": _audio,
    "ptt": _voice,
    "document": _document,
    "sticker": _sticker,
    "location": _location,
    "vcard": _cards,
    "multi_vcard": _cards,
    "poll_creation": _poll,
    "list": _list_offer,
    "list_response": _list_answer,
    "interactive": _buttons_offer,
    "buttons": _buttons_offer,
    "buttons_response": _buttons_answer,
    "template_button_reply": _buttons_answer,
    "event_creation": _event,
    "order": _order,
    "product": _order,
}
