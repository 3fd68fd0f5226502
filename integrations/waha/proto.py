"""Message contents in WhatsApp's own format, which GOWS (`Message`) and NOWEB (`message`) pass on.

The names are those of WhatsApp's protocol buffers; the two engines differ in casing only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from domain.crm.content import (
    AudioContent,
    DocumentContent,
    ImageContent,
    MessageContent,
    PollContent,
    StickerContent,
    SystemContent,
    TextContent,
    VideoContent,
    VoiceContent,
)
from integrations.waha import plain, proto_choices
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
from integrations.waha.fields import (
    Node,
    as_number,
    child,
    clean,
    flag,
    integer,
    items,
    member,
    node_of,
    text,
)
from integrations.waha.referral import referral_of

_DEEPEST = 8
_WRAPPERS = {
    "ephemeralmessage",
    "viewoncemessage",
    "viewoncemessagev2",
    "viewoncemessagev2extension",
    "documentwithcaptionmessage",
    "editedmessage",
    "devicesentmessage",
    "lottiestickermessage",
    "groupmentionedmessage",
    "botinvokemessage",
    "associatedchildmessage",
}
_NOISE = {
    "protocolmessage",
    "senderkeydistributionmessage",
    "fastratchetkeysenderkeydistributionmessage",
    "messagecontextinfo",
    "devicelistmetadata",
    "reactionmessage",
    "encreactionmessage",
    "pollupdatemessage",
    "enceventresponsemessage",
    "secretencryptedmessage",
    "keepinchatmessage",
    "pininchatmessage",
    "albummessage",
    "stickersyncrmrmessage",
    "messagehistorybundle",
    "messagehistorynotice",
}
_VIEW_ONCE = ("IsViewOnce", "IsViewOnceV2", "IsViewOnceV2Extension")
_UNREADABLE_STUBS = {"1", "2", "REVOKE", "CIPHERTEXT"}
"""Baileys' stubs for a message that is gone, or that arrives again once it can be decrypted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a reader is given: the payload, the node of its kind, and the node's `contextInfo`."""

    payload: Node
    node: Node
    context: Node
    body: str | None
    is_view_once: bool


def is_record(raw: Node) -> bool:
    """Return whether the engine's record is of this format."""
    return bool(child(raw, "Message")) or member(raw, "messageStubType") is not None or _is_hidden(raw)


def read(payload: Node, raw: Node) -> MessageContent | Nothing:
    """Return what the engine's record says; unknown kinds become `UnsupportedContent`."""
    message, view_once = _unwrap(child(raw, "Message"))
    for name, value in message.items():
        reader = _READERS.get(name.lower())
        if reader is not None and value is not None:
            source = _source(payload, raw, value, is_view_once=view_once)
            return reader(source) or unsupported(payload, raw_kind=name)
    unknown = [name for name in message if name.lower() not in _NOISE]
    if flag(payload, "hasMedia"):
        return by_mime_type(media_of(payload, child(message, *unknown[:1])), text(payload, "body"))
    if unknown:
        return unsupported(payload, raw_kind=unknown[0])
    return _without_node(payload, raw, message, view_once=view_once)


def context_info(raw: Node) -> Node:
    """Return the `contextInfo` of a record: replies, mentions, forwarding, advertisements."""
    message, _ = _unwrap(child(raw, "Message"))
    found = (child(value, "contextInfo") for value in message.values())
    return next((one for one in found if one), child(raw, "contextInfo"))


def _is_hidden(raw: Node) -> bool:
    # WhatsApp keeps what may be seen once from linked devices, and whatsmeow asks the phone for it.
    return flag(raw, *_VIEW_ONCE) or text(raw, "UnavailableRequestID") is not None


def _unwrap(message: Node) -> tuple[Node, bool]:
    view_once = False
    for _ in range(_DEEPEST):
        wrapper = next((name for name in message if name.lower() in _WRAPPERS and child(message, name)), None)
        if wrapper is None:
            break
        view_once |= wrapper.lower().startswith("viewonce")
        message = child(message, wrapper, "message")
    return message, view_once


def _source(payload: Node, raw: Node, value: object, *, is_view_once: bool) -> Source:
    node = node_of(value)
    return Source(
        payload=payload,
        node=node,
        context=child(node, "contextInfo") or child(raw, "contextInfo"),
        body=text(payload, "body") or (clean(value) if isinstance(value, str) and value else None),
        is_view_once=is_view_once or flag(node, "viewOnce") or flag(raw, *_VIEW_ONCE),
    )


def _without_node(payload: Node, raw: Node, message: Node, *, view_once: bool) -> MessageContent | Nothing:
    told = plain.read(payload)
    if not isinstance(told, Nothing):
        return told
    stub = member(raw, "messageStubType")
    name = str(stub) if as_number(stub) is not None else text(raw, "messageStubType")
    if name is not None and name not in _UNREADABLE_STUBS and not message:
        return SystemContent(notice=name)
    if view_once or (not message and _is_hidden(raw)):
        return unsupported(payload, raw_kind="viewOnceMessage")
    return PROTOCOL if message or name is not None else BLANK


def _text(source: Source) -> MessageContent | Nothing:
    body = source.body or text(source.node, "text")
    if body is None:
        return BLANK
    return TextContent(
        text=body,
        link_url=text(source.node, "canonicalUrl", "matchedText"),
        referral=referral_of(source.context),
    )


def _image(source: Source) -> MessageContent:
    return ImageContent(
        media=media_of(source.payload, source.node),
        text=source.body or text(source.node, "caption"),
        is_view_once=source.is_view_once,
        referral=referral_of(source.context),
    )


def _video(source: Source) -> MessageContent:
    return VideoContent(
        media=media_of(source.payload, source.node),
        text=source.body or text(source.node, "caption"),
        is_gif=flag(source.node, "gifPlayback"),
        is_view_once=source.is_view_once,
    )


def _video_note(source: Source) -> MessageContent:
    return VideoContent(
        media=media_of(source.payload, source.node),
        text=source.body,
        is_note=True,
        is_view_once=source.is_view_once,
    )


def _audio(source: Source) -> MessageContent:
    media = media_of(source.payload, source.node)
    if flag(source.node, "ptt"):
        return VoiceContent(media=media, text=source.body, is_view_once=source.is_view_once)
    return AudioContent(media=media, text=source.body)


def _document(source: Source) -> MessageContent:
    return DocumentContent(
        media=media_of(source.payload, source.node),
        text=source.body or text(source.node, "caption"),
        title=text(source.node, "title"),
    )


def _sticker(source: Source) -> MessageContent:
    return StickerContent(
        media=media_of(source.payload, source.node),
        is_animated=flag(source.node, "isAnimated", "isLottie"),
    )


def _location(source: Source) -> MessageContent | None:
    return location_of(source.payload, source.node)


def _live_location(source: Source) -> MessageContent | None:
    return location_of(source.payload, source.node, is_live=True)


def _cards(source: Source) -> MessageContent | None:
    return cards_of(source.payload, source.node)


def _poll(source: Source) -> MessageContent | None:
    name = text(source.node, "name")
    options = (text(option, "optionName") for option in items(source.node, "options"))
    return (
        None
        if name is None
        else PollContent(
            name=name,
            options=tuple(option for option in options if option is not None),
            selectable_count=integer(source.node, "selectableOptionsCount") or 0,
            text=source.body,
        )
    )


def _choice(
    read_node: Callable[[Node, str | None], MessageContent | None],
) -> Callable[[Source], MessageContent | None]:
    return lambda source: read_node(source.node, source.body)


_READERS: dict[str, Callable[[Source], MessageContent | Nothing | None]] = {
    "conversation": _text,
    "extendedtextmessage": _text,
    "imagemessage": _image,
    "videomessage": _video,
    "ptvmessage": _video_note,
    "audiomessage": _audio,
    "documentmessage": _document,
    "stickermessage": _sticker,
    "locationmessage": _location,
    "livelocationmessage": _live_location,
    "contactmessage": _cards,
    "contactsarraymessage": _cards,
    "pollcreationmessage": _poll,
    "pollcreationmessagev2": _poll,
    "pollcreationmessagev3": _poll,
    "pollcreationmessagev4": _poll,
    "pollcreationmessagev5": _poll,
    "pollcreationmessagev6": _poll,
    **{name: _choice(reader) for name, reader in proto_choices.READERS.items()},
}
