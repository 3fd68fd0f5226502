"""Sending through the API: texts, files, places, cards, polls, reactions, typing and seen."""

import base64
import binascii
from typing import Annotated

import httpx2
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from wasim.content import (
    ContactCard,
    Contacts,
    Content,
    Document,
    Image,
    Location,
    Poll,
    Preview,
    Text,
    Video,
    Voice,
)
from wasim.errors import bad_request, engine_failure, not_implemented
from wasim.ids import chat_address, new_wa_id, parse_message_id
from wasim.message import Message, Quote, StoredFile
from wasim.network import react, write
from wasim.rest import Call, answer, created, empty, in_path, known_message, read, working
from wasim.session import Session
from wasim.simulator import Simulator
from wasim.webhooks import environment
from wasim.wire import Wire

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class _Send(Wire, kw_only=True):
    chat_id: NonEmpty
    session: str = "default"
    reply_to: str | None = msgspec.field(default=None, name="reply_to")
    id: str | None = None


class _SendText(_Send, kw_only=True):
    text: NonEmpty
    mentions: list[str] | None = None


class _File(Wire, kw_only=True):
    url: str | None = None
    data: str | None = None
    mimetype: str | None = None
    filename: str | None = None


class _SendFile(_Send, kw_only=True):
    file: _File
    caption: str | None = None
    as_note: bool = False


class _SendLocation(_Send, kw_only=True):
    latitude: float
    longitude: float
    title: str = ""


class _SendContacts(_Send, kw_only=True):
    contacts: list[ContactCard]


class _PollBody(Wire, kw_only=True):
    name: str
    options: list[str]
    multiple_answers: bool = False


class _SendPoll(_Send, kw_only=True):
    poll: _PollBody


class _LinkPreview(Wire, kw_only=True):
    url: str
    title: str
    description: str = ""


class _SendPreview(_Send, kw_only=True):
    text: str
    preview: _LinkPreview


class _Reaction(Wire, kw_only=True):
    message_id: str
    reaction: str
    session: str = "default"


class _ChatOnly(Wire, kw_only=True):
    chat_id: NonEmpty
    session: str = "default"
    message_ids: list[str] | None = None


async def send_text(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendText`."""
    body = await read(request, _SendText)
    return _send(sim, body, Text(text=body.text, mentions=body.mentions or []))


async def send_image(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendImage`."""
    body = await read(request, _SendFile)
    return await _send_file(sim, body, Image(caption=body.caption), mimetype="image/jpeg")


async def send_file(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendFile`: shown as a document."""
    body = await read(request, _SendFile)
    content = Document(caption=body.caption, filename=body.file.filename)
    return await _send_file(sim, body, content, mimetype="application/octet-stream")


async def send_voice(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendVoice`."""
    body = await read(request, _SendFile)
    return await _send_file(sim, body, Voice(), mimetype="audio/ogg; codecs=opus")


async def send_video(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendVideo`."""
    body = await read(request, _SendFile)
    content = Video(caption=body.caption, note=body.as_note)
    return await _send_file(sim, body, content, mimetype="video/mp4")


async def send_location(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendLocation`."""
    body = await read(request, _SendLocation)
    return _send(
        sim, body, Location(latitude=body.latitude, longitude=body.longitude, name=body.title or None)
    )


async def send_contacts(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendContactVcard`."""
    body = await read(request, _SendContacts)
    if not body.contacts:
        raise bad_request("contacts should not be empty")
    return _send(sim, body, Contacts(contacts=body.contacts))


async def send_poll(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendPoll`."""
    body = await read(request, _SendPoll)
    poll = Poll(name=body.poll.name, options=body.poll.options, multiple_answers=body.poll.multiple_answers)
    return _send(sim, body, poll)


async def send_preview(sim: Simulator, request: Request) -> Response:
    """`POST /api/send/link-custom-preview` (GOWS, NOWEB)."""
    body = await read(request, _SendPreview)
    if not sim.engine(working(sim, body.session)).own_ids:
        raise not_implemented()
    card = Preview(url=body.preview.url, title=body.preview.title, description=body.preview.description)
    return _send(sim, body, Text(text=body.text, preview=card))


async def set_reaction(sim: Simulator, request: Request) -> Response:
    """`PUT /api/reaction`: the account reacts; an empty reaction takes it back."""
    body = await read(request, _Reaction)
    session = working(sim, body.session)
    target = known_message(session, body.message_id)
    carrier = react(sim, session, target, body.reaction, by_api=True)
    return answer(sim.engine(session).reacted(target, carrier.wa_id, body.reaction))


async def send_seen(sim: Simulator, request: Request) -> Response:
    """`POST /api/sendSeen`: the chat has no unread messages any more."""
    body = await read(request, _ChatOnly)
    sim.chat(working(sim, body.session), body.chat_id).unread = 0
    return empty()


async def typing(sim: Simulator, request: Request) -> Response:
    """`POST /api/startTyping` and `/api/stopTyping`: an empty answer."""
    body = await read(request, _ChatOnly)
    working(sim, body.session)
    return empty()


async def new_message_id(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/new-message-id` (GOWS, NOWEB)."""
    session = in_path(sim, request)
    if not sim.engine(session).own_ids:
        raise not_implemented()
    return answer({"id": new_wa_id("3EB0")})


def _send(sim: Simulator, body: _Send, content: Content, file: StoredFile | None = None) -> Response:
    session = working(sim, body.session)
    engine = sim.engine(session)
    message = write(
        sim,
        session,
        body.chat_id,
        content=content,
        by_api=True,
        wa_id=parse_message_id(body.id).wa_id if body.id and engine.own_ids else None,
        reply_to=_quoted(session, body),
        file=file,
    )
    return created(engine.sent(message, session.account, media=sim.media_of(session, message)))


async def _send_file(
    sim: Simulator, body: _SendFile, content: Image | Video | Voice | Document, *, mimetype: str
) -> Response:
    working(sim, body.session)
    file = body.file
    if file.data is not None:
        try:
            data = base64.b64decode(file.data, validate=True)
        except binascii.Error as error:
            raise bad_request(f"file.data must be base64 encoded: {error}") from error
    elif file.url is not None:
        data = await _fetch(sim, body.session, file.url)
    else:
        raise bad_request("file must have either url or data")
    stored = StoredFile(data=data, mimetype=file.mimetype or mimetype, filename=file.filename)
    if not isinstance(content, Document):
        stored.filename = None
    return _send(sim, body, content, stored)


async def _fetch(sim: Simulator, session: str, url: str) -> bytes:
    try:
        async with httpx2.AsyncClient(timeout=30, verify=False, trust_env=False) as client:
            got = await client.get(url, follow_redirects=True)
            got.raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        version = environment(sim.sessions[session].engine)
        raise engine_failure(f"Could not download {url}: {error}", {"body": {}}, version) from error
    return got.content


def _quoted(session: Session, body: _Send) -> Message | Quote | None:
    if body.reply_to is None:
        return None
    found = session.find(body.reply_to)
    if found is not None:
        return found
    wa_id = parse_message_id(body.reply_to).wa_id
    return Quote(wa_id=wa_id, participant=chat_address(body.chat_id), body="")


CALLS = [
    Call("POST", "/api/sendText", send_text, "send"),
    Call("POST", "/api/sendImage", send_image, "send"),
    Call("POST", "/api/sendFile", send_file, "send"),
    Call("POST", "/api/sendVoice", send_voice, "send"),
    Call("POST", "/api/sendVideo", send_video, "send"),
    Call("POST", "/api/sendLocation", send_location, "send"),
    Call("POST", "/api/sendContactVcard", send_contacts, "send"),
    Call("POST", "/api/sendPoll", send_poll, "send"),
    Call("POST", "/api/send/link-custom-preview", send_preview, "send"),
    Call("PUT", "/api/reaction", set_reaction, "action"),
    Call("POST", "/api/sendSeen", send_seen, "action"),
    Call("POST", "/api/startTyping", typing, "action"),
    Call("POST", "/api/stopTyping", typing, "action"),
    Call("GET", "/api/{session}/new-message-id", new_message_id, "read"),
]
