"""What happens on WhatsApp: people write, the account writes, messages are edited, revoked, reacted to."""

import dataclasses

from wasim.content import Content, Text, Voice, body_of
from wasim.ids import chat_address, new_wa_id
from wasim.media import file_of
from wasim.message import Action, Message, Quote, StoredFile
from wasim.people import AddressForm, Chat, Person
from wasim.receipts import follow
from wasim.session import Session
from wasim.simulator import Receipt, Simulator


def receive(
    sim: Simulator,
    session: Session,
    chat: Chat,
    *,
    author: Person,
    content: Content,
    wa_id: str | None = None,
    at: int | None = None,
    form: AddressForm | None = None,
    reply_to: Message | Quote | None = None,
    lost: bool = False,
    silent: bool = False,
) -> Message:
    """Somebody writes to the account; answers the message, stored and announced unless ignored.

    A `silent` message is stored only, as if its webhooks had been lost.
    """
    wa_id = wa_id or new_wa_id("3A")
    message = Message(
        wa_id=wa_id,
        chat=chat,
        author=author,
        content=content,
        at=sim.clock.seconds() if at is None else at,
        source="app",
        me=session.account.id,
        form=form or author.form,
        ack=2,
        reply_to=reply_to,
        file=file_of(content, wa_id),
        lost=lost,
    )
    if session.ignores(message.chat_id):
        return message
    session.store(message)
    chat.unread += 1
    if not silent:
        announce(sim, session, message)
    return message


def write(
    sim: Simulator,
    session: Session,
    address: str,
    *,
    content: Content,
    by_api: bool,
    wa_id: str | None = None,
    at: int | None = None,
    reply_to: Message | Quote | None = None,
    file: StoredFile | None = None,
    silent: bool = False,
) -> Message:
    """The account writes, through the API or on the phone; receipts follow by themselves.

    A `wa_id` that the account has used before adds nothing: WhatsApp answers with the message it has.
    """
    known = session.messages.get(wa_id) if wa_id is not None else None
    if known is not None and known.from_me:
        if by_api and known.wa_id in sim.received:
            sim.received[known.wa_id].repeats += 1
        return known
    address = chat_address(address)
    wa_id = wa_id or new_wa_id("3EB0" if by_api else "3A")
    message = Message(
        wa_id=wa_id,
        chat=sim.chat(session, address),
        author=None,
        content=content,
        at=sim.clock.seconds() if at is None else at,
        source="api" if by_api else "app",
        me=session.account.id,
        form="lid" if address.endswith("@lid") else "cus",
        reply_to=reply_to,
        file=file or file_of(content, wa_id),
    )
    if by_api:
        sim.received[wa_id] = Receipt(
            session=session.name,
            wa_id=wa_id,
            chat_id=message.chat_id,
            kind=type(content).__name__.lower(),
            text=body_of(content),
        )
    session.store(message)
    message.chat.unread = 0
    if silent:
        return message
    announce(sim, session, message)
    for listener in sim.on_sent:
        listener(session, message)
    if sim.config.auto_acks:
        sim.background.spawn(follow(sim, session, message, played=isinstance(content, Voice)))
    return message


def announce(sim: Simulator, session: Session, message: Message) -> None:
    """Publish a new message under its event names, with the twins that faults order.

    While the session does not work the message waits in its backlog.
    """
    if session.status != "WORKING":
        session.backlog.append(message)
        return
    payload = sim.show(session, message)
    if message.from_me:
        sim.webhooks.publish(session, "message.any", payload)
        return
    twin = sim.faults.take_webhook(session.name, "message.any", "twin-event") is not None
    for event, like in (("message.any", "message"), ("message", "message.any")):
        sim.webhooks.publish(session, event, payload, like=like if twin else None)
    if sim.faults.take_webhook(session.name, "message.any", "twin-address") is not None:
        other: AddressForm = "cus" if message.form == "lid" else "lid"
        second = sim.show(session, dataclasses.replace(message, form=other))
        sim.webhooks.publish(session, "message.any", second)
        sim.webhooks.publish(session, "message", second)


def edit(sim: Simulator, session: Session, target: Message, text: str, *, by_api: bool = False) -> Message:
    """The author of `target` corrects its text or caption; answers the message that carried the edit."""
    carrier = _carrier(sim, session, target, content=Text(text=text), by_api=by_api, by=target.author)
    action = Action(verb="edit", target=target, carrier=carrier)
    payload = sim.engine(session).action(action, session.account)
    _replace_text(target, text)
    sim.webhooks.publish(session, "message.edited", payload)
    return carrier


def revoke(
    sim: Simulator,
    session: Session,
    target: Message,
    *,
    by: Person | None = None,
    by_api: bool = False,
) -> Message:
    """Delete `target` for everyone; `by` is the group admin who does it when not the author."""
    author = by or target.author
    carrier = _carrier(sim, session, target, content=Text(text=""), by_api=by_api, by=author)
    action = Action(verb="revoke", target=target, carrier=carrier, by_admin=author is not target.author)
    payload = sim.engine(session).action(action, session.account)
    target.revoked = True
    sim.webhooks.publish(session, "message.revoked", payload)
    return carrier


def react(
    sim: Simulator,
    session: Session,
    target: Message,
    emoji: str,
    *,
    by: Person | None = None,
    by_api: bool = False,
) -> Message:
    """`by` (None: the account) reacts to `target`; an empty emoji takes the reaction back."""
    carrier = _carrier(sim, session, target, content=Text(text=emoji), by_api=by_api, by=by)
    key = "me" if by is None else by.key
    if emoji:
        target.reactions[key] = emoji
    else:
        target.reactions.pop(key, None)
    payload = sim.engine(session).reaction(target, emoji, carrier)
    sim.webhooks.publish(session, "message.reaction", payload)
    return carrier


def presence(
    sim: Simulator, session: Session, chat: Chat, *, by: Person, state: str, form: AddressForm | None = None
) -> None:
    """Tell what `by` is doing in a chat: online, offline, typing, recording or paused."""
    by.presence = state
    by.last_seen = sim.clock.seconds() if state == "offline" else None
    if not session.tells_presence:
        return
    participant = {"participant": by.address(form), "lastKnownPresence": state, "lastSeen": by.last_seen}
    sim.webhooks.publish(session, "presence.update", {"id": chat.address(form), "presences": [participant]})


def _carrier(
    sim: Simulator, session: Session, target: Message, *, content: Content, by_api: bool, by: Person | None
) -> Message:
    return Message(
        wa_id=new_wa_id("3EB0" if by_api else "3A"),
        chat=target.chat,
        author=by,
        content=content,
        at=sim.clock.seconds(),
        source="api" if by_api else "app",
        me=session.account.id,
        form=target.form,
        ack=1 if by is None else 2,
    )


def _replace_text(target: Message, text: str) -> None:
    if isinstance(target.content, Text):
        target.content.text = text
    elif hasattr(target.content, "caption"):
        target.content.caption = text
