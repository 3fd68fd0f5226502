"""WEBJS (whatsapp-web.js): the library's message model, me and the peer in `from` and `to`."""

from wasim.config import EngineName
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
    Sticker,
    Text,
    Unsupported,
    Video,
    Voice,
    body_of,
    vcards_of,
)
from wasim.engines.nodes import bytes_text
from wasim.engines.shared import location_of, reply_of
from wasim.ids import format_message_id
from wasim.message import ACK_NAMES, Action, Message, Quote
from wasim.people import Chat, Group, Person
from wasim.session import Me
from wasim.wire import Body

_TYPES: dict[type[object], str] = {
    Text: "chat",
    Image: "image",
    Video: "video",
    Voice: "ptt",
    Audio: "audio",
    Document: "document",
    Sticker: "sticker",
    Location: "location",
    Poll: "poll_creation",
    ListReply: "list_response",
    ButtonReply: "buttons_response",
    Order: "order",
    CalendarEvent: "event_creation",
    Unsupported: "ciphertext",
}
_FLAGS: Body = {
    "invis": False,
    "isNewMsg": True,
    "star": False,
    "kicNotified": False,
    "recvFresh": True,
    "isFromTemplate": False,
}


class Webjs:
    """The shapes of WEBJS."""

    name: EngineName = "WEBJS"
    own_ids = False

    def message(self, message: Message, me: Me, *, media: Body | None, source: bool) -> Body:
        """A WAMessage; `body` is the vCard or the thumbnail where others have null."""
        shown = _address(message, me) | {
            "body": _body(message.content),
            "hasMedia": isinstance(message.content, Media),
            "media": media,
            "ack": _ack(message),
            "ackName": ACK_NAMES[_ack(message)],
            "vCards": vcards_of(message.content) or [],
        }
        if isinstance(message.content, Location):
            place = location_of(message.content) or {}
            thumbnail = {"thumbnail": bytes_text("map", message.wa_id)}
            texts = {key: str(place[key]) for key in ("latitude", "longitude")}
            shown["location"] = place | texts | thumbnail
        if message.reply_to is not None:
            shown["replyTo"] = reply_of(message.reply_to, message.me, _quoted(message.reply_to))
        if not source:
            del shown["source"]
        return shown | {"_data": _data(message, me)}

    def sent(self, message: Message, me: Me, *, media: Body | None) -> Body:
        """whatsapp-web.js' Message; in groups its id lacks the participant the event will have."""
        del media
        serialized = format_message_id(message.wa_id, from_me=True, chat=message.chat_id)
        key: Body = {"fromMe": True, "remote": _wid(message.chat_id), "id": message.wa_id}
        key["_serialized"] = serialized
        kind, body = _type(message.content), _body(message.content)
        data: Body = {"id": key, "viewed": False, "body": body, "type": kind, "t": message.at}
        data |= {"from": _wid(me.id), "to": _wid(message.chat_id), "ack": 0, "isNewMsg": True, "local": True}
        shown: Body = {"_data": data, "id": key, "ack": 0, "hasMedia": isinstance(message.content, Media)}
        shown |= {"body": body, "type": kind, "timestamp": message.at, "from": me.id, "to": message.chat_id}
        shown |= {"deviceType": "web", "isForwarded": message.content.forwarded, "forwardingScore": 0}
        shown |= {"isStatus": False, "isStarred": False, "fromMe": True}
        shown |= {"hasQuotedMsg": message.reply_to is not None, "hasReaction": False}
        shown |= {"vCards": vcards_of(message.content) or [], "mentionedIds": [], "groupMentions": []}
        return shown | {"isGif": False, "links": []}

    def reacted(self, target: Message, wa_id: str, emoji: str) -> Body:
        """whatsapp-web.js answers nothing to a reaction."""
        del target, wa_id, emoji
        return {}

    def action(self, action: Action, me: Me) -> Body:
        """An edit shows the original's id; a revoke shows the old message as `before`."""
        target = action.target
        if action.verb == "edit":
            shown = self.message(target, me, media=None, source=True)
            return shown | {"body": body_of(action.carrier.content), "editedMessageId": target.wa_id}
        before = self.message(target, me, media=None, source=True)
        data = _data(target, me) | {"type": "revoked", "body": ""}
        after = before | {"body": "", "hasMedia": False, "timestamp": action.carrier.at, "_data": data}
        return {"after": after, "before": before, "revokedMessageId": target.wa_id, "_data": data}

    def reaction(self, target: Message, emoji: str, by: Message) -> Body:
        """The stamp is fractional, `to` and `participant` are always there."""
        author = by.me if by.author is None else by.author.address(by.form)
        shown: Body = {"id": by.id, "timestamp": by.at + 0.5, "from": by.chat_id, "fromMe": by.from_me}
        shown |= {"source": by.source, "to": by.chat_id, "participant": author}
        return shown | {"reaction": {"text": emoji, "messageId": target.id}}

    def ack(self, message: Message, ack: int, me: Me, *, by: Person | None) -> Body:
        """A direct receipt is a whole WAMessage, a group receipt a protocol node."""
        if by is None or not message.chat.is_group:
            shown = self.message(message, me, media=None, source=True)
            data = _data(message, me) | {"ack": ack}
            return shown | {"ack": ack, "ackName": ACK_NAMES[ack], "_data": data}
        reader = by.address("lid")
        attrs: Body = {"from": message.chat_id, "id": message.wa_id, "participant": reader}
        if ack > 2:  # noqa: PLR2004 -- DEVICE has no type
            attrs["type"] = "read"
        shown = {"id": message.id, "from": message.chat_id, "to": message.chat_id, "participant": reader}
        shown |= {"fromMe": message.from_me, "ack": ack, "ackName": ACK_NAMES[ack]}
        return shown | {"_data": {"tag": "receipt", "attrs": attrs}}

    def chat(self, chat: Chat, me: Me) -> Body:
        """whatsapp-web.js' Chat."""
        shown: Body = {"id": _wid(chat.address()), "name": chat.name, "isGroup": chat.is_group}
        shown |= {"isReadOnly": False, "unreadCount": chat.unread, "timestamp": chat.last_at}
        shown |= {"archived": False, "pinned": False, "isMuted": False, "muteExpiration": 0}
        shown |= {"lastMessage": None}
        return shown | ({"groupMetadata": _metadata(chat.group, me)} if chat.group is not None else {})

    def contact(self, person: Person, saved_as: str | None) -> Body:
        """whatsapp-web.js' Contact."""
        name = saved_as or person.saved_as
        address = person.address()
        return {
            "id": address,
            "number": address.partition("@")[0],
            "name": name,
            "pushname": person.name,
            "shortName": (name or person.name).partition(" ")[0],
            "isMe": False,
            "isGroup": False,
            "isWAContact": person.on_whatsapp,
            "isMyContact": name is not None,
            "isBlocked": False,
        }

    def group(self, group: Group, me: Me) -> Body:
        """A chat with `groupMetadata`."""
        return self.chat(Chat(group=group, last_at=group.created_at), me)

    def participants(self, group: Group, me: Me) -> list[Body]:
        """whatsapp-web.js' participants, the account first."""
        own: Body = {"id": _wid(me.id), "isAdmin": True, "isSuperAdmin": True}
        members: list[Body] = [
            {
                "id": _wid(person.address("lid")),
                "isAdmin": role != "participant",
                "isSuperAdmin": role == "superadmin",
            }
            for person, role in group.members.values()
        ]
        return [own, *members]


def _ack(message: Message) -> int:
    return message.ack if message.from_me and message.ack is not None else 1


def _wid(address: str) -> Body:
    user, _, server = address.partition("@")
    return {"server": server, "user": user, "_serialized": address}


def _type(content: Content) -> str:
    if isinstance(content, Contacts):
        return "vcard" if len(content.contacts) == 1 else "multi_vcard"
    return _TYPES[type(content)]


def _body(content: Content) -> str:
    if isinstance(content, Location):
        return bytes_text("map", content.latitude, content.longitude)
    if isinstance(content, Contacts):
        return "\n".join(vcards_of(content) or [])
    if isinstance(content, Document):
        return content.caption or content.filename or "document.pdf"
    return body_of(content) or ""


def _address(message: Message, me: Me) -> Body:
    sides = (me.id, message.chat_id) if message.from_me else (message.chat_id, me.id)
    shown: Body = {"id": message.id, "timestamp": message.at, "from": sides[0], "fromMe": message.from_me}
    shown |= {"source": message.source, "to": sides[1]}
    if message.participant is not None:
        shown["participant"] = message.participant
    return shown


def _data(message: Message, me: Me) -> Body:
    sides = (me.id, message.chat_id) if message.from_me else (message.chat_id, me.id)
    key: Body = {"fromMe": message.from_me, "remote": message.chat_id, "id": message.wa_id}
    if message.participant is not None:
        key["participant"] = _wid(message.participant)
    data: Body = {"id": key | {"_serialized": message.id}, "viewed": False}
    data |= {"body": "" if isinstance(message.content, Image | Video) else _body(message.content)}
    data |= {"type": _type(message.content), "t": message.at}
    data |= {"notifyName": message.author.name if message.author is not None else ""}
    data |= {"from": _wid(sides[0]), "to": _wid(sides[1]), "ack": _ack(message)} | _FLAGS
    data |= {"mentionedJidList": [], "groupMentions": [], "isVcardOverMmsDocument": False}
    data |= {"isForwarded": message.content.forwarded, "hasReaction": False, "viewMode": "VISIBLE"}
    data |= {"isMdHistoryMsg": False, "isAvatar": False, "links": []}
    if message.participant is not None:
        data["author"] = _wid(message.participant)
    if message.reply_to is not None:
        author = reply_of(message.reply_to, message.me, {})["participant"]
        data |= {"quotedMsg": _quoted(message.reply_to), "quotedStanzaID": message.reply_to.wa_id}
        data |= {"quotedParticipant": _wid(str(author))}
    return data | _kind_fields(message) | _advert(message.content)


def _quoted(quoted: Message | Quote) -> Body:
    if isinstance(quoted, Quote):
        return {"type": "chat", "body": quoted.body}
    return {"type": _type(quoted.content), "body": _body(quoted.content)}


def _kind_fields(message: Message) -> Body:
    content, file = message.content, message.file
    match content:
        case Text():
            return {"mentionedJidList": content.mentions}
        case Location():
            place = "\n".join(part for part in (content.name, content.address) if part)
            return {
                "lat": content.latitude,
                "lng": content.longitude,
                "loc": place,
                "isLive": content.live,
            }
        case Poll(name=name, options=options, multiple_answers=multiple):
            numbered = [{"name": option, "localId": i} for i, option in enumerate(options)]
            count = 0 if multiple else 1
            return {"pollName": name, "pollOptions": numbered, "pollSelectableOptionsCount": count}
        case ListReply(row_id=row):
            return {"listResponse": {"title": content.title, "singleSelectReply": {"selectedRowId": row}}}
        case ButtonReply(button_id=button):
            return {"selectedButtonId": button}
        case Order():
            return {"orderId": content.order_id, "itemCount": content.item_count}
        case CalendarEvent():
            return {"eventName": content.name, "eventStartTime": content.start_time}
    if file is None:
        return {}
    fields: Body = {"mimetype": file.mimetype, "size": len(file.data)}
    fields |= {"filehash": bytes_text("hash", message.wa_id), "mediaKey": bytes_text("key", message.wa_id)}
    fields |= {"mediaKeyTimestamp": message.at, "directPath": f"/v/t62.7118-24/{message.wa_id}_n.enc"}
    if isinstance(content, Media) and content.caption is not None:
        fields["caption"] = content.caption
    if isinstance(content, Document):
        fields |= {"filename": file.filename, "pageCount": 1}
    if isinstance(content, Video | Voice | Audio):
        fields["duration"] = str(content.seconds)
    return fields


def _advert(content: Content) -> Body:
    referral = content.referral
    if referral is None:
        return {}
    context: Body = {"sourceUrl": referral.source_url, "title": referral.title}
    context |= {"description": referral.body, "mediaType": 2, "sourceApp": referral.source_app}
    context |= {"mediaUrl": "https://www.facebook.com/example/videos/1/", "isSuspiciousLink": False}
    context |= {"thumbnailUrl": "https://scontent.example.com/thumb.jpg", "conversionSource": "FB_Ads"}
    context |= {"conversionData": bytes_text("conversion", referral.source_id)}
    return {"ctwaContext": context, "entryPointConversionSource": "ctwa_ad"}


def _metadata(group: Group, me: Me) -> Body:
    return {
        "id": _wid(group.id),
        "creation": group.created_at,
        "owner": _wid(me.id),
        "subject": group.subject,
        "subjectTime": group.created_at,
        "desc": group.description,
        "participants": Webjs().participants(group, me),
    }
