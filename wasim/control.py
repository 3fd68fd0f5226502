"""The control API for what happens: people, groups, messages, actions on messages, session status."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wasim import network, receipts, status
from wasim.content import Content, body_of
from wasim.errors import ApiError, bad_request
from wasim.errors import not_found as missing
from wasim.history import HistoryBody, write_bulk
from wasim.ids import chat_address, digits, lid_of
from wasim.message import Message, Quote
from wasim.people import AddressForm, Chat, Group, Person, Receipts, Role
from wasim.rest import answer, created, find_session, known_message, read
from wasim.session import Session, Status
from wasim.simulator import Simulator
from wasim.wire import Body, Wire


class _PersonBody(Wire):
    phone: str | None = None
    lid: str | None = None
    name: str = ""
    saved_as: str | None = None
    form: AddressForm = "cus"
    receipts: Receipts = "read"
    on_whatsapp: bool = True


class _Member(Wire):
    person: str
    role: Role = "participant"


class _GroupBody(Wire):
    subject: str
    id: str | None = None
    description: str = ""
    members: list[_Member] = msgspec.field(default_factory=list)


class _Incoming(Wire):
    """A message by a person; `chat` is a group, channel or story address, the person's own chat without it."""

    person: str
    content: Content
    chat: str | None = None
    wa_id: str | None = None
    timestamp: int | None = None
    form: AddressForm | None = None
    reply_to: str | None = None
    lost: bool = False
    silent: bool = False


class _Typed(Wire):
    """A message the account's owner types on the phone."""

    chat: str
    content: Content
    wa_id: str | None = None
    timestamp: int | None = None
    reply_to: str | None = None
    silent: bool = False


class _Ack(Wire):
    message: str
    ack: int
    person: str | None = None
    form: AddressForm | None = None


class _Edit(Wire):
    message: str
    text: str


class _Revoke(Wire):
    message: str
    person: str | None = None


class _React(Wire):
    message: str
    emoji: str
    person: str | None = None


class _Presence(Wire):
    person: str
    state: str = "typing"
    chat: str | None = None
    form: AddressForm | None = None


class _Event(Wire):
    event: str
    payload: Body


class _StatusBody(Wire):
    status: Status
    phone: str = "5511999990000"
    push_name: str = "Loja Exemplo"


async def add_person(sim: Simulator, request: Request) -> Response:
    """Put a person on WhatsApp; a person without phone is known by the linked id alone."""
    body = await read(request, _PersonBody)
    if body.phone is None and body.lid is None:
        raise bad_request("a person needs a phone, a lid or both")
    phone = digits(body.phone) if body.phone is not None else None
    lid = digits(body.lid) if body.lid is not None else lid_of(phone or "")
    person = Person(
        phone=phone,
        lid=lid,
        name=body.name,
        saved_as=body.saved_as,
        form=body.form,
        receipts=body.receipts,
        on_whatsapp=body.on_whatsapp,
    )
    return created(show_person(sim.add_person(person)))


async def add_group(sim: Simulator, request: Request) -> Response:
    """Create a group in a session, the account being its owner."""
    session = _session(sim, request)
    body = await read(request, _GroupBody)
    group_id = body.id or f"1203630000{len(session.groups) + 1:08d}@g.us"
    group = Group(id=chat_address(group_id), subject=body.subject, description=body.description)
    group.created_at = sim.clock.seconds()
    for member in body.members:
        person = find_person(sim, member.person)
        group.members[person.key] = (person, member.role)
    session.groups[group.id] = group
    session.chats[group.id] = Chat(group=group, last_at=group.created_at)
    return created({"id": group.id, "subject": group.subject})


async def incoming(sim: Simulator, request: Request) -> Response:
    """A person writes to the account: in the direct chat, in a group, as a story, in a channel."""
    session = _session(sim, request)
    body = await read(request, _Incoming)
    person = find_person(sim, body.person)
    chat = sim.chat(session, body.chat or person.address())
    try:
        message = network.receive(
            sim,
            session,
            chat,
            author=person,
            content=body.content,
            wa_id=body.wa_id,
            at=body.timestamp,
            form=body.form,
            reply_to=_quoted(session, body.reply_to, person.address()),
            lost=body.lost,
            silent=body.silent,
        )
    except ValueError as error:
        raise bad_request(str(error)) from error
    return created(show_message(message))


async def typed(sim: Simulator, request: Request) -> Response:
    """The account's owner writes on the phone."""
    session = _session(sim, request)
    body = await read(request, _Typed)
    try:
        message = network.write(
            sim,
            session,
            body.chat,
            content=body.content,
            by_api=False,
            wa_id=body.wa_id,
            at=body.timestamp,
            reply_to=_quoted(session, body.reply_to, chat_address(body.chat)),
            silent=body.silent,
        )
    except ValueError as error:
        raise bad_request(str(error)) from error
    return created(show_message(message))


async def ack(sim: Simulator, request: Request) -> Response:
    """A receipt for a message, in groups by a person; `form` shows it under the other address form."""
    session = _session(sim, request)
    body = await read(request, _Ack)
    message = known_message(session, body.message)
    if body.ack not in range(-1, 5):
        raise bad_request("ack must be one of -1, 0, 1, 2, 3, 4")
    by = find_person(sim, body.person) if body.person is not None else None
    form, message.form = message.form, body.form or message.form
    receipts.acknowledge(sim, session, message, body.ack, by=by)
    message.form = form
    return created(show_message(message))


async def edit(sim: Simulator, request: Request) -> Response:
    """The author of a message corrects it."""
    session = _session(sim, request)
    body = await read(request, _Edit)
    target = known_message(session, body.message)
    return created(show_message(network.edit(sim, session, target, body.text)))


async def revoke(sim: Simulator, request: Request) -> Response:
    """The author, or a group admin, deletes a message for everyone."""
    session = _session(sim, request)
    body = await read(request, _Revoke)
    target = known_message(session, body.message)
    by = find_person(sim, body.person) if body.person is not None else None
    return created(show_message(network.revoke(sim, session, target, by=by)))


async def react(sim: Simulator, request: Request) -> Response:
    """A person, or without one the account on its phone, reacts to a message."""
    session = _session(sim, request)
    body = await read(request, _React)
    target = known_message(session, body.message)
    by = find_person(sim, body.person) if body.person is not None else None
    return created(show_message(network.react(sim, session, target, body.emoji, by=by)))


async def presence(sim: Simulator, request: Request) -> Response:
    """A person comes online, types, records, pauses or goes."""
    session = _session(sim, request)
    body = await read(request, _Presence)
    person = find_person(sim, body.person)
    chat = sim.chat(session, body.chat or person.address())
    network.presence(sim, session, chat, by=person, state=body.state, form=body.form)
    return created({"id": chat.address(body.form), "state": body.state})


async def set_status(sim: Simulator, request: Request) -> Response:
    """Put a session into a status; WORKING pairs an unpaired one with `phone`."""
    session = _session(sim, request)
    body = await read(request, _StatusBody)
    if body.status == "WORKING" and session.me is None:
        status.pair(sim, session, phone=digits(body.phone), push_name=body.push_name)
    else:
        status.change(sim, session, body.status)
    return created({"name": session.name, "status": session.status})


async def publish(sim: Simulator, request: Request) -> Response:
    """Publish any event with any payload: kinds the simulator has no call for, or malformed ones."""
    session = _session(sim, request)
    body = await read(request, _Event)
    sim.webhooks.publish(session, body.event, body.payload)
    return created({"event": body.event})


async def history(sim: Simulator, request: Request) -> Response:
    """Write a generated past into a session, without webhooks."""
    session = _session(sim, request)
    body = await read(request, HistoryBody)
    return created({"messages": write_bulk(sim, session, body)})


def show_person(person: Person) -> Body:
    """A person as the control API shows one."""
    return {
        "id": person.address(),
        "phone": person.phone,
        "lid": person.lid,
        "name": person.name,
        "savedAs": person.saved_as,
        "form": person.form,
        "receipts": person.receipts,
        "onWhatsapp": person.on_whatsapp,
    }


def show_message(message: Message) -> Body:
    """A message as the control API shows one, alike for all engines."""
    return {
        "id": message.id,
        "waId": message.wa_id,
        "chatId": message.chat_id,
        "fromMe": message.from_me,
        "author": None if message.author is None else message.author.address(),
        "source": message.source,
        "kind": type(message.content).__struct_config__.tag,
        "body": body_of(message.content),
        "timestamp": message.at,
        "ack": message.ack,
        "revoked": message.revoked,
        "reactions": message.reactions,
        "replyTo": message.reply_to.wa_id if message.reply_to is not None else None,
    }


def find_person(sim: Simulator, address: str) -> Person:
    """A person by phone, chat id or linked id. Raises `ApiError` 404."""
    person = sim.find_person(address)
    if person is None:
        raise missing(f"Nobody with the address '{address}'; add one with POST /control/people")
    return person


def _session(sim: Simulator, request: Request) -> Session:
    session = find_session(sim, request.path_params["session"])
    if session.me is None and not request.url.path.endswith("/status"):
        raise bad_request(f"session '{session.name}' is not paired; POST its status WORKING first")
    return session


def _quoted(session: Session, message_id: str | None, participant: str) -> Message | Quote | None:
    if message_id is None:
        return None
    return session.find(message_id) or Quote(wa_id=message_id, participant=participant, body="")


Act = Callable[[Simulator, Request], Awaitable[Response]]


def route(sim: Simulator, method: str, path: str, act: Act) -> Route:
    """A control route whose errors become answers."""

    async def endpoint(request: Request) -> Response:
        try:
            return await act(sim, request)
        except ApiError as error:
            return answer(error.body, error.status)

    return Route(path, endpoint, methods=[method])


def routes(sim: Simulator) -> list[Route]:
    """The routes of this module."""
    at = "/control/sessions/{session}"
    return [
        route(sim, "POST", "/control/people", add_person),
        route(sim, "POST", f"{at}/groups", add_group),
        route(sim, "POST", f"{at}/incoming", incoming),
        route(sim, "POST", f"{at}/typed", typed),
        route(sim, "POST", f"{at}/ack", ack),
        route(sim, "POST", f"{at}/edit", edit),
        route(sim, "POST", f"{at}/revoke", revoke),
        route(sim, "POST", f"{at}/react", react),
        route(sim, "POST", f"{at}/presence", presence),
        route(sim, "POST", f"{at}/status", set_status),
        route(sim, "POST", f"{at}/history", history),
        route(sim, "POST", f"{at}/events", publish),
    ]
