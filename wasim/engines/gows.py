"""GOWS (whatsmeow): string ids in answers, Go casing in `_data`, the peer in `from` even for own messages."""

from wasim.clock import iso
from wasim.config import EngineName
from wasim.content import (
    CalendarEvent,
    Contacts,
    Content,
    Document,
    Image,
    Location,
    Media,
    Poll,
    Sticker,
    Video,
    Voice,
    body_of,
    vcards_of,
)
from wasim.engines.nodes import action_node, node, quoted_node
from wasim.engines.shared import location_of, reply_of
from wasim.ids import format_message_id, jid
from wasim.message import ACK_NAMES, Action, Message
from wasim.people import Chat, Group, Person
from wasim.session import Me
from wasim.wire import Body

_NAMES = {
    "url": "URL",
    "fileSha256": "fileSHA256",
    "fileEncSha256": "fileEncSHA256",
    "jpegThumbnail": "JPEGThumbnail",
    "ptt": "PTT",
    "stanzaId": "stanzaID",
    "mentionedJid": "mentionedJID",
    "remoteJid": "remoteJID",
    "selectedRowId": "selectedRowID",
    "selectedButtonId": "selectedButtonID",
    "sourceId": "sourceID",
    "sourceUrl": "sourceURL",
    "mediaUrl": "mediaURL",
    "thumbnailUrl": "thumbnailURL",
    "timestampMs": "timestampMS",
    "orderId": "orderID",
    "sellerJid": "sellerJID",
}
_NUMBERS = {
    "fileLength",
    "mediaKeyTimestamp",
    "timestampMs",
    "sequenceNumber",
    "startTime",
    "endTime",
    "totalAmount1000",
}
_ENUMS: dict[object, int] = {
    "REVOKE": 0,
    "MESSAGE_EDIT": 14,
    "VIDEO": 2,
    "NONE": 0,
    "SINGLE_SELECT": 1,
    "DISPLAY_TEXT": 1,
    "INQUIRY": 1,
    "CATALOG": 1,
}
_BOT = {"EditType": "", "EditTargetID": "", "EditSenderTimestampMS": "0001-01-01T00:00:00Z"}
_META = {
    "TargetID": "",
    "TargetSender": "",
    "TargetChat": "",
    "DeprecatedLIDSession": None,
    "ThreadMessageID": "",
    "ThreadMessageSenderJID": "",
}
_RECEIPTS = {-1: "server-error", 2: "", 3: "read", 4: "played"}


class Gows:
    """The shapes of GOWS."""

    name: EngineName = "GOWS"
    own_ids = True

    def message(self, message: Message, me: Me, *, media: Body | None, source: bool) -> Body:
        """A WAMessage with every field present, null where empty."""
        data = _data(message, me, go(node(message)))
        return _wa_message(message, data, media=media, source=source)

    def sent(self, message: Message, me: Me, *, media: Body | None) -> Body:
        """`{id, _data}`."""
        del media
        return {"id": message.id, "_data": _data(message, me, go(node(message))) | {"Status": 1}}

    def reacted(self, target: Message, wa_id: str, emoji: str) -> Body:
        """`{id, _data: null}`."""
        del emoji
        own = target.me if target.chat.is_group else None
        return {
            "id": format_message_id(wa_id, from_me=True, chat=target.chat_id, participant=own),
            "_data": None,
        }

    def action(self, action: Action, me: Me) -> Body:
        """An edit is a WAMessage with `editedMessageId`; a revoke has `after` and `before`."""
        edit = "1" if action.verb == "edit" else ("8" if action.by_admin else "7")
        data = _data(action.carrier, me, go(action_node(action)), edit=edit)
        shown = _wa_message(action.carrier, data, media=None, source=True)
        if action.verb == "edit":
            return shown | {"editedMessageId": action.target.wa_id}
        after = shown | {"body": None}
        return {"after": after, "before": None, "revokedMessageId": action.target.wa_id, "_data": data}

    def reaction(self, target: Message, emoji: str, by: Message) -> Body:
        """The common fields and `reaction`."""
        return _address(by) | {"reaction": {"text": emoji, "messageId": target.id}}

    def ack(self, message: Message, ack: int, me: Me, *, by: Person | None) -> Body:
        """A receipt; in groups `participant` is who received."""
        del me
        reader = by.address(message.form) if by is not None and message.chat.is_group else None
        sender = jid(reader or message.chat_id)
        data: Body = {"Chat": jid(message.chat_id), "Sender": sender, "IsFromMe": False}
        data |= {"IsGroup": message.chat.is_group, "AddressingMode": "", "SenderAlt": "", "RecipientAlt": ""}
        data |= {"BroadcastListOwner": "", "BroadcastRecipients": None, "MessageIDs": [message.wa_id]}
        data |= {"Timestamp": iso(message.at), "Type": _RECEIPTS.get(ack, "sender"), "MessageSender": ""}
        return {
            "id": message.id,
            "from": message.chat_id,
            "to": reader,
            "participant": reader,
            "fromMe": message.from_me,
            "ack": ack,
            "ackName": ACK_NAMES[ack],
            "_data": data,
        }

    def chat(self, chat: Chat, me: Me) -> Body:
        """`{id, name, conversationTimestamp}` with an ISO stamp."""
        del me
        return {"id": chat.address(), "name": chat.name, "conversationTimestamp": iso(chat.last_at)}

    def contact(self, person: Person, saved_as: str | None) -> Body:
        """`{id, name, pushname}`."""
        return {"id": person.address(), "name": saved_as or person.saved_as or "", "pushname": person.name}

    def group(self, group: Group, me: Me) -> Body:
        """whatsmeow's GroupInfo."""
        stamp, owner = iso(group.created_at), f"{me.lid}@lid"
        head: Body = {"JID": group.id, "OwnerJID": owner, "OwnerPN": jid(me.id), "Name": group.subject}
        head |= {"NameSetAt": stamp, "NameSetBy": owner, "NameSetByPN": "", "Topic": group.description}
        head |= {"TopicID": "", "TopicSetAt": stamp, "TopicSetBy": owner, "TopicSetByPN": ""}
        head |= {"TopicDeleted": False, "IsLocked": False, "IsAnnounce": group.admins_only}
        head |= {"IsEphemeral": False, "DisappearingTimer": 0, "IsParent": False, "LinkedParentJID": ""}
        head |= {"AddressingMode": "lid", "GroupCreated": stamp, "CreatorCountryCode": "BR"}
        return head | {"Participants": self.participants(group, me), "MemberAddMode": "admin_add"}

    def participants(self, group: Group, me: Me) -> list[Body]:
        """whatsmeow's GroupParticipant list, the account first."""
        own = _participant(f"{me.lid}@lid", jid(me.id), role="superadmin")
        members = [
            _participant(
                person.address("lid"), f"{person.phone}@s.whatsapp.net" if person.phone else "", role=role
            )
            for person, role in group.members.values()
        ]
        return [own, *members]


def go(value: object) -> Body:
    """A NOWEB node with Go's names, numbers and enums."""
    converted = _go(value)
    return converted if isinstance(converted, dict) else {}


def _go(value: object, key: str = "") -> object:
    if isinstance(value, dict):
        is_key = "remoteJid" in value
        return {
            "ID" if is_key and name == "id" else _NAMES.get(name, name): _go(item, name)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_go(item) for item in value]
    if key in _NUMBERS and isinstance(value, str):
        return int(value)
    if key in ("type", "mediaType", "previewType", "listType", "status", "surface"):
        return _ENUMS.get(value, value)
    return value


def _participant(lid: str, phone: str, *, role: str) -> Body:
    return {
        "JID": lid,
        "PhoneNumber": phone,
        "LID": lid if lid.endswith("@lid") else "",
        "IsAdmin": role != "participant",
        "IsSuperAdmin": role == "superadmin",
        "DisplayName": "",
        "Error": 0,
        "AddRequest": None,
    }


def _address(message: Message) -> Body:
    return {
        "id": message.id,
        "timestamp": message.at,
        "from": message.chat_id,
        "fromMe": message.from_me,
        "source": message.source,
        "to": message.participant,
        "participant": message.participant,
    }


def _wa_message(message: Message, data: Body, *, media: Body | None, source: bool) -> Body:
    quoted = message.reply_to
    shown = _address(message) | {
        "body": body_of(message.content),
        "hasMedia": isinstance(message.content, Media),
        "media": media,
        "ack": message.ack,
        "ackName": "UNKNOWN" if message.ack is None else ACK_NAMES[message.ack],
        "location": location_of(message.content),
        "vCards": vcards_of(message.content),
        "replyTo": None if quoted is None else reply_of(quoted, message.me, go(quoted_node(quoted))),
        "_data": data,
    }
    if not source:
        del shown["source"]
    return shown


def _data(message: Message, me: Me, content: Body, *, edit: str = "") -> Body:
    return {
        "Info": _info(message, me) | {"Edit": edit},
        "Message": content,
        "IsEphemeral": False,
        "IsViewOnce": isinstance(message.content, Image) and message.content.view_once,
        "IsViewOnceV2": isinstance(message.content, Image) and message.content.view_once,
        "IsViewOnceV2Extension": False,
        "IsDocumentWithCaption": "documentWithCaptionMessage" in content,
        "IsLottieSticker": False,
        "IsEdit": False,
        "SourceWebMsg": None,
        "UnavailableRequestID": "",
        "RetryCount": 0,
        "NewsletterMeta": None,
        "Status": 2 if message.from_me else 3,
    }


def _info(message: Message, me: Me) -> Body:
    group = message.participant is not None
    chat = message.chat
    alternate = ""
    if message.author is not None:
        sender = jid(message.author.address(message.form))
        name = message.author.name
        alternate = jid(message.author.alternate(message.form) or "")
        lid = sender.endswith("@lid")
    else:
        # The device after the colon tells WAHA whether its own connection or the phone wrote it.
        sender = f"{me.phone}:{7 if message.source == 'api' else 0}@s.whatsapp.net"
        name = me.push_name
        lid = message.chat_id.endswith("@lid")
    recipient = chat.person.alternate(message.form) if chat.person and message.from_me else None
    mode = "lid" if lid else ("pn" if group else "")
    return {
        "Chat": jid(message.chat_id),
        "Sender": sender,
        "IsFromMe": message.from_me,
        "IsGroup": group,
        "AddressingMode": mode,
        "SenderAlt": alternate,
        "RecipientAlt": jid(recipient or ""),
        "BroadcastListOwner": "",
        "BroadcastRecipients": None,
        "ID": message.wa_id,
        "ServerID": 0,
        "Type": _type(message.content),
        "PushName": name,
        "Timestamp": iso(message.at),
        "Category": "",
        "Multicast": False,
        "MediaType": _media_type(message.content),
        "Edit": "",
        "MsgBotInfo": _BOT,
        "MsgMetaInfo": _META,
        "VerifiedName": None,
        "DeviceSentMeta": None,
    }


def _type(content: Content) -> str:
    if isinstance(content, Poll):
        return "poll"
    if isinstance(content, CalendarEvent):
        return "event"
    return "media" if isinstance(content, Media | Location | Contacts) else "text"


def _media_type(content: Content) -> str:
    match content:
        case Image():
            return "image"
        case Video():
            return "gif" if content.gif else "video"
        case Voice():
            return "ptt"
        case Document():
            return "document"
        case Sticker():
            return "sticker"
        case Media():
            return "audio"
        case Location():
            return "livelocation" if content.live else "location"
        case Contacts():
            return "vcard" if len(content.contacts) == 1 else "contact_array"
        case _:
            return ""
