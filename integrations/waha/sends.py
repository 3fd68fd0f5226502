"""What to post to WAHA for each kind of content, and what its three kinds of answers say."""

import base64
from dataclasses import dataclass
from datetime import datetime

from domain.crm.content import (
    AudioContent,
    ContactCard,
    ContactCardContent,
    DocumentContent,
    ImageContent,
    LocationContent,
    Media,
    MessageContent,
    PollContent,
    TextContent,
    VideoContent,
    VoiceContent,
    media_of,
)
from domain.crm.inbound import MessageKey
from integrations.errors import Rejected
from integrations.waha.fields import Node, child, member
from integrations.waha.message_id import MessageId, bare
from integrations.waha.times import instant

_VOICE_TYPE, _IMAGE_TYPE, _VIDEO_TYPE, _ANY_TYPE = (
    "audio/ogg",
    "image/jpeg",
    "video/mp4",
    "application/octet-stream",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SendResult:
    """What WAHA says of a message it took; WhatsApp's own id and time are None when it does not tell."""

    external_id: str | None
    timestamp: datetime | None


def request_for(content: MessageContent, data: bytes | None) -> tuple[str, dict[str, object]]:
    """Return the path and the body's own fields for a content; `data` is its file, else WAHA fetches `media.url`.

    Raises `Rejected` for kinds that WAHA cannot send, and for media without a file.
    """
    match content:
        case TextContent():
            return "/api/sendText", {"text": content.text}
        case ImageContent():
            return "/api/sendImage", _captioned(content, data, default=_IMAGE_TYPE)
        case DocumentContent():
            return "/api/sendFile", _captioned(content, data, default=_ANY_TYPE)
        case VideoContent():
            return "/api/sendVideo", _captioned(content, data, default=_VIDEO_TYPE) | {
                "asNote": content.is_note,
                "convert": True,
            }
        case VoiceContent() | AudioContent():
            return "/api/sendVoice", _voice(content, data)
        case LocationContent():
            return "/api/sendLocation", _location(content)
        case ContactCardContent():
            return "/api/sendContactVcard", {"contacts": [_card(card) for card in content.contacts]}
        case PollContent():
            return "/api/sendPoll", {"poll": _poll(content)}
        case _:
            raise Rejected(
                f"A message of kind {content.kind.value} cannot be sent.", code="UNSUPPORTED_CONTENT"
            )


def takes_message_id(content: MessageContent) -> bool:
    """Return whether WAHA lets such a message go out under an id made beforehand; files cannot."""
    return isinstance(content, TextContent | LocationContent | ContactCardContent | PollContent)


def is_heavy(content: MessageContent) -> bool:
    """Return whether WAHA must handle a file before it answers."""
    return media_of(content) is not None


def result_of(answer: object) -> SendResult:
    """Return what an answer says, in the shape of any engine; `{"sent": true}` and empty answers say nothing."""
    if not isinstance(answer, dict):
        return SendResult(external_id=None, timestamp=None)
    raw = child(answer, "_data")
    times = (
        member(answer, "timestamp"),
        member(answer, "messageTimestamp"),
        member(child(raw, "Info"), "Timestamp"),
        member(raw, "t"),
    )
    return SendResult(
        external_id=_external_id(answer),
        timestamp=next((at for value in times if (at := instant(value)) is not None), None),
    )


def _external_id(answer: Node) -> str | None:
    # GOWS: the id as text. WEBJS: an object, without its serialised form on some images. NOWEB: under `key`.
    told = (member(answer, "id"), member(child(answer, "key"), "id"), member(child(answer, "_data"), "id"))
    return next((found for value in told if (found := bare(value)) is not None), None)


def quoted(reply_to: MessageKey | str) -> str:
    """Return the id of the message to reply to: of a key the full one, which every engine takes.

    A text is taken as it is; GOWS and NOWEB take the bare id too.
    """
    if isinstance(reply_to, MessageKey):
        author = None if reply_to.author is None else reply_to.author.address
        return str(
            MessageId(
                external_id=reply_to.external_id,
                from_me=reply_to.from_me,
                chat=reply_to.chat,
                participant=author,
            )
        )
    if MessageId.parse(reply_to) is None:
        raise Rejected("The message to reply to has no usable id.", code="INVALID_REQUEST")
    return reply_to


def _captioned(
    content: ImageContent | DocumentContent | VideoContent, data: bytes | None, *, default: str
) -> dict[str, object]:
    # The caption is never left out: for videos WAHA declares a demo sentence as its default.
    return {"file": _file(content.media, data, default=default), "caption": content.text or ""}


def _voice(content: VoiceContent | AudioContent, data: bytes | None) -> dict[str, object]:
    # WAHA has no call for plain audio; as a voice note it plays in the chat, as a file it would not.
    return {
        "file": _file(content.media, data, default=_VOICE_TYPE),
        "convert": content.media.mime_type != _VOICE_TYPE,
    }


def _location(content: LocationContent) -> dict[str, object]:
    return {
        "latitude": content.latitude,
        "longitude": content.longitude,
        "title": content.name or content.address or "",
    }


def _card(card: ContactCard) -> dict[str, object]:
    if card.vcard:
        return {"vcard": card.vcard}
    phone = next(iter(card.phones), "")
    digits = "".join(character for character in phone if character.isdigit())
    return {"fullName": card.name, "phoneNumber": phone, "whatsappId": digits}


def _poll(content: PollContent) -> dict[str, object]:
    return {
        "name": content.name,
        "options": list(content.options),
        "multipleAnswers": content.selectable_count != 1,
    }


def _file(media: Media, data: bytes | None, *, default: str) -> dict[str, object]:
    described: dict[str, object] = {"mimetype": media.mime_type or default}
    if media.mime_type == _VOICE_TYPE:
        described["mimetype"] = f"{_VOICE_TYPE}; codecs=opus"
    if media.filename is not None:
        described["filename"] = media.filename
    if data is not None:
        return described | {"data": base64.b64encode(data).decode()}
    if media.url is None:
        raise Rejected("The message's file is not available.", code="NO_FILE")
    return described | {"url": media.url}
