"""The protocol node of a message as NOWEB names its fields; GOWS renames them afterwards."""

import hashlib
from base64 import b64encode

from wasim.content import (
    Audio,
    ButtonReply,
    CalendarEvent,
    Contacts,
    Content,
    Document,
    Image,
    ListReply,
    Location,
    Media,
    Order,
    Poll,
    Referral,
    Sticker,
    Text,
    Unsupported,
    Video,
    Voice,
    body_of,
    vcards_of,
)
from wasim.ids import jid
from wasim.message import Action, Message, Quote, StoredFile
from wasim.wire import Body


def node(message: Message) -> Body:
    """The `message` object of a message."""
    return _node(message, context_info(message))


def quoted_node(quoted: Message | Quote) -> Body:
    """The node a quote repeats; a quote within a quote is left out, as WhatsApp does."""
    return {"conversation": quoted.body} if isinstance(quoted, Quote) else _node(quoted, {})


def action_node(action: Action) -> Body:
    """The `protocolMessage` of an edit or a revoke."""
    target = action.target
    key: Body = {"remoteJid": jid(target.chat_id), "fromMe": target.from_me, "id": target.wa_id}
    if target.participant is not None and not target.from_me:
        key["participant"] = jid(target.participant)
    if action.verb == "revoke":
        return {"protocolMessage": {"key": key, "type": "REVOKE"}}
    body = body_of(action.carrier.content)
    edited: Body = {"conversation": body}
    if isinstance(target.content, Image):
        edited = {"imageMessage": {"caption": body}}
    elif isinstance(target.content, Video):
        edited = {"videoMessage": {"caption": body}}
    protocol = {"key": key, "type": "MESSAGE_EDIT", "editedMessage": edited}
    return {"protocolMessage": protocol | {"timestampMs": str(action.carrier.at * 1000)}}


def context_info(message: Message) -> Body:
    """`{"contextInfo": …}` with the quote, mentions, forwarding and advertisement; `{}` without any."""
    content = message.content
    info: Body = {}
    if message.reply_to is not None:
        info |= _quote(message.reply_to, message.me)
    if isinstance(content, Text) and content.mentions:
        info["mentionedJid"] = [jid(mention) for mention in content.mentions]
    if content.forwarded:
        info |= {"isForwarded": True, "forwardingScore": 1}
    if content.referral is not None:
        info |= _referral(content.referral)
    return {"contextInfo": info} if info else {}


def bytes_text(*seeds: object, length: int = 32) -> str:
    """Base64 of bytes that depend on the seeds only: keys and hashes nobody checks."""
    return b64encode(hashlib.sha256(repr(seeds).encode()).digest()[:length]).decode()


def _node(message: Message, context: Body) -> Body:
    content = message.content
    match content:
        case Text():
            return _text(content, context, sent_by_api=message.source == "api")
        case Image() | Video() | Voice() | Audio() | Document() | Sticker():
            return _media(content, message, context)
        case ListReply(title=title, row_id=row, description=description):
            reply: Body = {"title": title, "listType": "SINGLE_SELECT"}
            reply |= {"singleSelectReply": {"selectedRowId": row}, **context, "description": description}
            return {"listResponseMessage": reply}
        case ButtonReply(text=text, button_id=button):
            pressed = {"selectedButtonId": button, "selectedDisplayText": text, "type": "DISPLAY_TEXT"}
            return {"buttonsResponseMessage": pressed | context}
        case Contacts():
            return _contacts(content, context)
        case _:
            return _plain(content, message, context)


def _text(content: Text, context: Body, *, sent_by_api: bool) -> Body:
    if content.preview is not None:
        card: Body = {"text": content.text, "matchedText": content.preview.url, "previewType": "NONE"}
        card |= {"title": content.preview.title, "description": content.preview.description}
        return {"extendedTextMessage": card | (context or {"contextInfo": {"expiration": 0}})}
    if context or sent_by_api:
        return {"extendedTextMessage": {"text": content.text} | context}
    return {"conversation": content.text}


def _media(content: Media, message: Message, context: Body) -> Body:
    if message.file is None:
        raise ValueError(f"media message {message.wa_id} has no file")
    fields = _file_fields(message.file, message) | _media_fields(content, message.file)
    if content.caption is not None:
        fields["caption"] = content.caption
    fields |= context
    match content:
        case Image(view_once=True):
            return {"viewOnceMessageV2": {"message": {"imageMessage": fields | {"viewOnce": True}}}}
        case Image():
            return {"imageMessage": fields}
        case Video(note=True):
            return {"ptvMessage": fields}
        case Video():
            return {"videoMessage": fields}
        case Voice() | Audio():
            return {"audioMessage": fields}
        case Sticker():
            return {"stickerMessage": fields}
        case _ if content.caption is not None:
            return {"documentWithCaptionMessage": {"message": {"documentMessage": fields}}}
        case _:
            return {"documentMessage": fields}


def _file_fields(file: StoredFile, message: Message) -> Body:
    path = f"/v/t62.7118-24/{message.wa_id}_n.enc?ccb=11-4"
    return {
        "url": f"https://mmg.whatsapp.net{path}&oh=demo&oe=demo&mms3=true",
        "mimetype": file.mimetype,
        "fileSha256": b64encode(hashlib.sha256(file.data).digest()).decode(),
        "fileLength": str(len(file.data)),
        "mediaKey": bytes_text("key", message.wa_id),
        "fileEncSha256": bytes_text("enc", message.wa_id),
        "directPath": path,
        "mediaKeyTimestamp": str(message.at),
    }


def _media_fields(content: Media, file: StoredFile) -> Body:
    match content:
        case Image():
            return {"height": 256, "width": 192, "jpegThumbnail": bytes_text("thumbnail", file.mimetype)}
        case Video(seconds=seconds, gif=gif):
            return {"seconds": seconds, "height": 848, "width": 480, "gifPlayback": gif}
        case Voice(seconds=seconds):
            return {"ptt": True, "seconds": seconds, "waveform": bytes_text("waveform", seconds)}
        case Audio(seconds=seconds):
            return {"ptt": False, "seconds": seconds}
        case Document():
            return {"fileName": file.filename, "title": file.filename, "pageCount": 1}
        case _:
            return {"height": 64, "width": 64, "isAnimated": False}


def _contacts(content: Contacts, context: Body) -> Body:
    cards: list[Body] = [
        {"displayName": card.full_name, "vcard": vcard}
        for card, vcard in zip(content.contacts, vcards_of(content) or [], strict=True)
    ]
    if len(cards) == 1:
        return {"contactMessage": cards[0] | context}
    return {"contactsArrayMessage": {"displayName": f"{len(cards)} contatos", "contacts": cards} | context}


def _plain(content: Content, message: Message, context: Body) -> Body:
    secret = {"messageContextInfo": {"messageSecret": bytes_text("secret", message.wa_id)}}
    match content:
        case Location():
            return _location(content, context)
        case Poll(name=name, options=options, multiple_answers=multiple):
            poll: Body = {"name": name, "options": [{"optionName": option} for option in options]}
            poll["selectableOptionsCount"] = 0 if multiple else 1
            return {"pollCreationMessageV3": poll | context, **secret}
        case Order():
            return {"orderMessage": _order(content, message) | context}
        case CalendarEvent():
            return {"eventMessage": _event(content) | context, **secret}
        case Unsupported():
            return {
                "messageContextInfo": {"deviceListMetadataVersion": 2},
                "placeholderMessage": {"type": "MASK_LINKED_DEVICES"},
            }
        case _:
            raise ValueError(f"no protocol node for {type(content).__name__}")


def _location(content: Location, context: Body) -> Body:
    place: Body = {"degreesLatitude": content.latitude, "degreesLongitude": content.longitude}
    if content.live:
        live = place | {"caption": content.description, "sequenceNumber": "1784000000001"}
        return {"liveLocationMessage": live | context}
    place |= {"name": content.name, "address": content.address, "url": content.url}
    return {"locationMessage": {k: v for k, v in place.items() if v is not None} | context}


def _order(content: Order, message: Message) -> Body:
    return {
        "orderId": content.order_id,
        "thumbnail": "",
        "itemCount": content.item_count,
        "status": "INQUIRY",
        "surface": "CATALOG",
        "orderTitle": content.title,
        "sellerJid": jid(message.me),
        "token": bytes_text("order", content.order_id),
        "totalAmount1000": str(content.total),
        "totalCurrencyCode": content.currency,
    }


def _event(content: CalendarEvent) -> Body:
    event: Body = {"name": content.name, "startTime": str(content.start_time)}
    event |= {"extraGuestsAllowed": False, "isCanceled": content.canceled}
    if content.description is not None:
        event["description"] = content.description
    if content.end_time is not None:
        event["endTime"] = str(content.end_time)
    if content.location is not None:
        event["location"] = {"name": content.location}
    return event


def _quote(quoted: Message | Quote, me: str) -> Body:
    if isinstance(quoted, Quote):
        participant = quoted.participant
    else:
        participant = quoted.participant or (me if quoted.from_me else quoted.chat_id)
    info: Body = {"stanzaId": quoted.wa_id, "participant": jid(participant)}
    return info | {"quotedMessage": quoted_node(quoted)}


def _referral(referral: Referral) -> Body:
    advert: Body = {
        "title": referral.title,
        "body": referral.body,
        "mediaType": "VIDEO",
        "thumbnailUrl": "https://scontent.example.com/thumb.jpg",
        "mediaUrl": "https://www.facebook.com/example/videos/1/",
        "sourceType": referral.source_type,
        "sourceId": referral.source_id,
        "sourceUrl": referral.source_url,
        "sourceApp": referral.source_app,
        "containsAutoReply": False,
        "renderLargerThumbnail": True,
        "showAdAttribution": True,
    }
    if referral.ctwa_clid is not None:
        advert["ctwaClid"] = referral.ctwa_clid
    return {
        "conversionSource": "FB_Ads",
        "conversionData": bytes_text("conversion", referral.source_id),
        "conversionDelaySeconds": 5,
        "entryPointConversionSource": "ctwa_ad",
        "entryPointConversionApp": referral.source_app,
        "entryPointConversionDelaySeconds": 5,
        "entryPointConversionExternalSource": "FB_Ads",
        "entryPointConversionExternalMedium": "unavailable",
        "externalAdReply": advert,
    }
