"""Chats and their messages: lists, overview, paging, one message, edit and revoke."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from wasim.errors import engine_failure, not_implemented
from wasim.ids import chat_address
from wasim.message import ACK_NAMES, Message
from wasim.network import edit, revoke
from wasim.people import Chat
from wasim.rest import (
    Call,
    answer,
    chat_in_path,
    created,
    empty,
    flag,
    in_path,
    message_in_path,
    number,
    page,
    read,
)
from wasim.session import Session
from wasim.simulator import Simulator
from wasim.webhooks import environment
from wasim.wire import Body, Wire


class _Pagination(Wire):
    limit: int = 20
    offset: int = 0


class _Filter(Wire):
    ids: list[str] | None = None


class _Overview(Wire):
    pagination: _Pagination
    filter: _Filter | None = None


class _Edit(Wire):
    text: str


async def chats(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/chats`: raw objects of the engine, newest first."""
    session = in_path(sim, request)
    keys: dict[str, Callable[[Chat], int | str]] = {"id": lambda c: c.address(), "name": lambda c: c.name}
    key = keys.get(request.query_params.get("sortBy", ""), lambda c: c.last_at)
    found = sorted(session.chats.values(), key=key, reverse=_newest_first(request))
    engine = sim.engine(session)
    return answer(page(request, [engine.chat(chat, session.account) for chat in found]))


async def overview(sim: Simulator, request: Request) -> Response:
    """`GET …/chats/overview`."""
    session = in_path(sim, request)
    ids = request.query_params.getlist("ids")
    limit, offset = number(request, "limit", 20), number(request, "offset", 0)
    return answer(_overview(sim, session, ids or None, limit=limit, offset=offset))


async def overview_post(sim: Simulator, request: Request) -> Response:
    """`POST …/chats/overview`, for many ids."""
    session = in_path(sim, request)
    body = await read(request, _Overview)
    ids = body.filter.ids if body.filter is not None else None
    return created(_overview(sim, session, ids, limit=body.pagination.limit, offset=body.pagination.offset))


async def messages(sim: Simulator, request: Request) -> Response:
    """`GET …/chats/{chatId}/messages`; the page is cut before revoked messages are left out, as WAHA does."""
    session = in_path(sim, request)
    chat_id = request.path_params["chatId"]
    if chat_id == "all" and not sim.engine(session).own_ids:
        raise not_implemented()
    chat = None if chat_id == "all" else chat_in_path(sim, session, request)
    found = [m for m in session.history(chat) if _passes(m, request)]
    if not flag(request, "merge", default=True) and chat is not None:
        found = [m for m in found if m.chat_id == chat_address(chat_id)]
    if not _newest_first(request):
        found.reverse()
    offset, limit = number(request, "offset", 0), number(request, "limit", 10)
    download = flag(request, "downloadMedia", default=True)
    shown = [m for m in found[offset : offset + limit] if not m.revoked]
    return answer([sim.show(session, m, download=download, source=False) for m in shown])


async def message(sim: Simulator, request: Request) -> Response:
    """`GET …/chats/{chatId}/messages/{messageId}`: fetching it brings its file back."""
    session = in_path(sim, request)
    found = message_in_path(session, request)
    download = flag(request, "downloadMedia", default=True)
    return answer(sim.show(session, found, download=download, source=False))


async def edit_message(sim: Simulator, request: Request) -> Response:
    """`PUT …/chats/{chatId}/messages/{messageId}`: the account corrects its own message."""
    session = in_path(sim, request)
    body = await read(request, _Edit)
    target = message_in_path(session, request)
    if not target.from_me:
        version = environment(session.engine)
        raise engine_failure("Can't edit message: it is not from me", {"path": request.url.path}, version)
    edit(sim, session, target, body.text, by_api=True)
    return answer(_touched(sim, session, target))


async def delete_message(sim: Simulator, request: Request) -> Response:
    """`DELETE …/chats/{chatId}/messages/{messageId}`: revoke for everyone."""
    session = in_path(sim, request)
    target = message_in_path(session, request)
    revoke(sim, session, target, by_api=True)
    return answer(_touched(sim, session, target))


async def mark_read(sim: Simulator, request: Request) -> Response:
    """`POST …/chats/{chatId}/messages/read`: the ids that were unread, null on WEBJS."""
    session = in_path(sim, request)
    chat = chat_in_path(sim, session, request)
    unread = [m.id for m in session.history(chat) if not m.from_me][: chat.unread]
    chat.unread = 0
    return created({"ids": None if session.engine == "WEBJS" else unread})


async def mark_unread(sim: Simulator, request: Request) -> Response:
    """`POST …/chats/{chatId}/unread`."""
    chat_in_path(sim, in_path(sim, request), request).unread = 1
    return empty()


async def picture(sim: Simulator, request: Request) -> Response:
    """`GET …/chats/{chatId}/picture`: nobody here shows one."""
    in_path(sim, request)
    return answer({"url": None})


def _newest_first(request: Request) -> bool:
    return request.query_params.get("sortOrder", "desc") != "asc"


def _passes(message: Message, request: Request) -> bool:
    query = request.query_params
    if "filter.timestamp.gte" in query and message.at < number(request, "filter.timestamp.gte", 0):
        return False
    if "filter.timestamp.lte" in query and message.at > number(request, "filter.timestamp.lte", 0):
        return False
    if "filter.fromMe" in query and message.from_me != flag(request, "filter.fromMe", default=True):
        return False
    ack = query.get("filter.ack")
    return ack is None or ACK_NAMES.get(-1 if message.ack is None else message.ack) == ack


def _overview(
    sim: Simulator, session: Session, ids: list[str] | None, *, limit: int, offset: int
) -> list[Body]:
    found = sorted(session.chats.values(), key=lambda chat: -chat.last_at)
    if ids is not None:
        wanted = {sim.chat(session, address).key for address in ids}
        found = [chat for chat in found if chat.key in wanted]
    engine = sim.engine(session)
    rows: list[Body] = []
    for chat in found[offset : offset + limit]:
        last = next((m for m in session.history(chat) if not m.revoked), None)
        shown = None if last is None else sim.show(session, last, download=False, source=False)
        if shown is not None:
            shown["media"] = None
        row: Body = {"id": chat.address(), "name": chat.name or None, "picture": None}
        rows.append(row | {"lastMessage": shown, "_chat": engine.chat(chat, session.account)})
    return rows


def _touched(sim: Simulator, session: Session, target: Message) -> Body:
    if session.engine == "GOWS":
        return {"id": target.id, "_data": None}
    return sim.engine(session).sent(target, session.account, media=None)


CALLS = [
    Call("GET", "/api/{session}/chats", chats, "read"),
    Call("GET", "/api/{session}/chats/overview", overview, "read"),
    Call("POST", "/api/{session}/chats/overview", overview_post, "read"),
    Call("GET", "/api/{session}/chats/{chatId}/messages", messages, "read"),
    Call("POST", "/api/{session}/chats/{chatId}/messages/read", mark_read, "action"),
    Call("POST", "/api/{session}/chats/{chatId}/unread", mark_unread, "action"),
    Call("GET", "/api/{session}/chats/{chatId}/picture", picture, "read"),
    Call("GET", "/api/{session}/chats/{chatId}/messages/{messageId}", message, "read"),
    Call("PUT", "/api/{session}/chats/{chatId}/messages/{messageId}", edit_message, "action"),
    Call("DELETE", "/api/{session}/chats/{chatId}/messages/{messageId}", delete_message, "action"),
]
