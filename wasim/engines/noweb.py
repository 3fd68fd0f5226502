"""NOWEB (Baileys): a raw WAMessage as answer, camelCase in `_data`, absent fields instead of null ones."""

from wasim.config import EngineName
from wasim.content import Media, Poll, body_of, vcards_of
from wasim.engines.nodes import action_node, node, quoted_node
from wasim.engines.shared import location_of, reply_of
from wasim.ids import jid
from wasim.message import ACK_NAMES, Action, Message
from wasim.people import Chat, Group, Person
from wasim.session import Me
from wasim.wire import Body


class Noweb:
    """The shapes of NOWEB."""

    name: EngineName = "NOWEB"
    own_ids = True

    def message(self, message: Message, me: Me, *, media: Body | None, source: bool) -> Body:
        """A WAMessage without `to` and `participant` in direct chats."""
        return _wa_message(message, _data(message, me, node(message)), media=media, source=source)

    def sent(self, message: Message, me: Me, *, media: Body | None) -> Body:
        """Baileys' `{key, message, messageTimestamp, status}`; polls answer a WAMessage."""
        if isinstance(message.content, Poll):
            return self.message(message, me, media=media, source=True)
        return _raw(message.chat_id, message.wa_id, node(message), at=message.at)

    def reacted(self, target: Message, wa_id: str, emoji: str) -> Body:
        """Baileys' message holding a `reactionMessage`."""
        key = {"remoteJid": jid(target.chat_id), "fromMe": target.from_me, "id": target.wa_id}
        reaction = {"key": key, "text": emoji, "senderTimestampMs": str(target.at * 1000)}
        return _raw(target.chat_id, wa_id, {"reactionMessage": reaction}, at=target.at)

    def action(self, action: Action, me: Me) -> Body:
        """An edit is a WAMessage with `editedMessageId`; a revoke has `after` and `before`."""
        data = _data(action.carrier, me, action_node(action))
        shown = _wa_message(action.carrier, data, media=None, source=True)
        if action.verb == "edit":
            return shown | {"editedMessageId": action.target.wa_id}
        after = shown | {"body": None}
        return {"after": after, "before": None, "revokedMessageId": action.target.wa_id, "_data": data}

    def reaction(self, target: Message, emoji: str, by: Message) -> Body:
        """The common fields and `reaction`."""
        return _address(by) | {"reaction": {"text": emoji, "messageId": target.id}}

    def ack(self, message: Message, ack: int, me: Me, *, by: Person | None) -> Body:
        """A direct receipt has no `_data`; a group delivery is reported as SERVER."""
        shown: Body = {"id": message.id, "from": message.chat_id, "fromMe": message.from_me}
        if by is None or not message.chat.is_group:
            return shown | {"ack": ack, "ackName": ACK_NAMES[ack]}
        ack = 1 if ack == 2 else ack  # noqa: PLR2004 -- DEVICE
        receipt: Body = {"userJid": jid(by.address("cus"))}
        receipt["receiptTimestamp" if ack == 1 else "readTimestamp"] = message.at
        key = {"remoteJid": message.chat_id, "fromMe": message.from_me, "id": message.wa_id}
        data: Body = {"key": key | {"participant": jid(me.id)}, "receipt": receipt}
        shown |= {"to": message.chat_id, "participant": message.participant}
        return shown | {"ack": ack, "ackName": ACK_NAMES[ack], "_data": data}

    def chat(self, chat: Chat, me: Me) -> Body:
        """Baileys' chat; the stamp is in seconds."""
        del me
        shown: Body = {"id": chat.address(), "conversationTimestamp": chat.last_at}
        return shown | {"unreadCount": chat.unread, "name": chat.name}

    def contact(self, person: Person, saved_as: str | None) -> Body:
        """Baileys' contact; `name` only when saved, `lid` only beside a number."""
        shown: Body = {"id": person.address(), "pushname": person.name}
        if saved_as or person.saved_as:
            shown["name"] = saved_as or person.saved_as
        if person.phone is not None and person.lid is not None and person.form == "cus":
            shown["lid"] = f"{person.lid}@lid"
        return shown

    def group(self, group: Group, me: Me) -> Body:
        """Baileys' GroupMetadata."""
        owner = f"{me.lid}@lid"
        participants = self.participants(group, me)
        head: Body = {"id": group.id, "addressingMode": "lid", "subject": group.subject}
        head |= {"subjectOwner": owner, "subjectTime": group.created_at, "size": len(participants)}
        head |= {"creation": group.created_at, "owner": owner, "ownerPn": jid(me.id)}
        head |= {"desc": group.description, "linkedParent": None, "restrict": False}
        head |= {"announce": group.admins_only, "isCommunity": False, "isCommunityAnnounce": False}
        return head | {"joinApprovalMode": False, "memberAddMode": False, "participants": participants}

    def participants(self, group: Group, me: Me) -> list[Body]:
        """Baileys' participants, the account first."""
        shown: list[Body] = [{"id": f"{me.lid}@lid", "phoneNumber": jid(me.id), "admin": "superadmin"}]
        for person, role in group.members.values():
            entry: Body = {"id": person.address("lid")}
            if person.phone is not None:
                entry["phoneNumber"] = f"{person.phone}@s.whatsapp.net"
            shown.append(entry | {"admin": None if role == "participant" else role})
        return shown


def _address(message: Message) -> Body:
    shown: Body = {"id": message.id, "timestamp": message.at, "from": message.chat_id}
    shown |= {"fromMe": message.from_me, "source": message.source}
    if message.participant is not None:
        shown |= {"to": message.chat_id, "participant": message.participant}
    return shown


def _wa_message(message: Message, data: Body, *, media: Body | None, source: bool) -> Body:
    quoted = message.reply_to
    shown = _address(message) | {
        "body": body_of(message.content),
        "hasMedia": isinstance(message.content, Media),
        "media": media,
        "ack": 1 if message.ack is None else message.ack,
        "ackName": ACK_NAMES[1 if message.ack is None else message.ack],
        "location": location_of(message.content),
        "vCards": vcards_of(message.content),
        "replyTo": None if quoted is None else reply_of(quoted, message.me, quoted_node(quoted)),
        "_data": data,
    }
    if not source:
        del shown["source"]
    return shown


def _data(message: Message, me: Me, content: Body) -> Body:
    name = me.push_name if message.author is None else message.author.name
    return {
        "key": _key(message),
        "messageTimestamp": message.at,
        "pushName": name,
        "broadcast": message.chat.fixed == "status@broadcast",
        "message": content,
        "status": 2 if message.from_me else 3,
    }


def _key(message: Message) -> Body:
    key: Body = {"remoteJid": jid(message.chat_id), "fromMe": message.from_me, "id": message.wa_id}
    person = message.chat.person
    if person is not None:
        alternate = person.alternate(message.form)
        if alternate is not None:
            key |= {"remoteJidAlt": jid(alternate)}
            key |= {"addressingMode": "lid" if message.chat_id.endswith("@lid") else "pn"}
    if message.participant is not None:
        participant = jid(message.participant)
        key |= {"participant": participant}
        key |= {"addressingMode": "lid" if participant.endswith("@lid") else "pn"}
        alternate = message.author.alternate(message.form) if message.author is not None else None
        if alternate is not None:
            key["participantAlt"] = jid(alternate)
    return key


def _raw(chat_id: str, wa_id: str, content: Body, *, at: int) -> Body:
    key = {"remoteJid": jid(chat_id), "fromMe": True, "id": wa_id}
    return {"key": key, "message": content, "messageTimestamp": str(at), "status": "PENDING"}
