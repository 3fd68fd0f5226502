"""The control API for what has happened and for misfortunes: records, counters, faults, reset."""

import time
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wasim.control import route, show_message, show_person
from wasim.errors import bad_request
from wasim.faults import RestFault, WebhookFault
from wasim.rest import answer, created, find_session, known_message, number, read
from wasim.simulator import Simulator
from wasim.webhooks import Delivery
from wasim.wire import Body, Wire, read_object


class _Release(Wire):
    order: Literal["same", "reverse", "shuffle"] = "same"


class _Forget(Wire):
    session: str
    message: str
    forever: bool = False


class _Pace(Wire):
    pace: float


class _Offline(Wire):
    seconds: float = 1.0


async def sessions(sim: Simulator, _request: Request) -> Response:
    """Every session with its status and how much it holds."""
    return answer(
        [
            {
                "name": session.name,
                "engine": session.engine,
                "status": session.status,
                "phone": session.me.phone if session.me is not None else None,
                "chats": len(session.chats),
                "messages": len(session.messages),
            }
            for session in sim.sessions.values()
        ]
    )


async def people(sim: Simulator, _request: Request) -> Response:
    """Everybody on WhatsApp."""
    return answer([show_person(person) for person in sim.people.values()])


async def chats(sim: Simulator, request: Request) -> Response:
    """The chats of a session, newest first."""
    session = find_session(sim, request.path_params["session"])
    found = sorted(session.chats.values(), key=lambda chat: -chat.last_at)
    return answer(
        [{"id": c.address(), "name": c.name, "unread": c.unread, "lastAt": c.last_at} for c in found]
    )


async def messages(sim: Simulator, request: Request) -> Response:
    """The messages of a session, newest first; `chat` narrows to one conversation."""
    session = find_session(sim, request.path_params["session"])
    address = request.query_params.get("chat")
    found = session.history(sim.chat(session, address) if address is not None else None)
    return answer([show_message(message) for message in found[: number(request, "limit", 100)]])


async def deliveries(sim: Simulator, request: Request) -> Response:
    """Webhook deliveries, oldest first; `event`, `state` and `session` narrow, `body=true` adds bodies."""
    query = request.query_params
    wanted = {name: query[name] for name in ("event", "state", "session") if name in query}
    found = [d for d in sim.webhooks.record if all(getattr(d, k) == v for k, v in wanted.items())]
    with_body = query.get("body") == "true"
    return answer([_show_delivery(delivery, with_body=with_body) for delivery in found])


async def received(sim: Simulator, request: Request) -> Response:
    """What WhatsApp got through the API; `text`, `id` and `session` narrow. One entry is one message."""
    query = request.query_params
    names = {"text": "text", "id": "wa_id", "session": "session", "chat": "chat_id"}
    wanted = {field: query[name] for name, field in names.items() if name in query}
    found = [r for r in sim.received.values() if all(getattr(r, k) == v for k, v in wanted.items())]
    shown = [
        {
            "session": r.session,
            "id": r.wa_id,
            "chatId": r.chat_id,
            "kind": r.kind,
            "text": r.text,
            "repeats": r.repeats,
        }
        for r in found
    ]
    return answer({"count": len(found), "messages": shown})


async def add_webhook_fault(sim: Simulator, request: Request) -> Response:
    """Order a misfortune for webhook deliveries."""
    fault = await read(request, WebhookFault)
    sim.faults.webhooks.append(fault)
    return created(fault)


async def add_rest_fault(sim: Simulator, request: Request) -> Response:
    """Order a misfortune for REST calls."""
    fault = await read(request, RestFault)
    sim.faults.rest.append(fault)
    return created(fault)


async def faults(sim: Simulator, _request: Request) -> Response:
    """The faults in force."""
    return answer({"webhooks": sim.faults.webhooks, "rest": sim.faults.rest})


async def clear_faults(sim: Simulator, _request: Request) -> Response:
    """No more faults; what is held back stays held."""
    sim.faults.clear()
    return answer({"webhooks": [], "rest": []})


async def hold(sim: Simulator, _request: Request) -> Response:
    """Keep webhook deliveries back until they are released."""
    sim.webhooks.hold()
    return created({"holding": True})


async def release(sim: Simulator, request: Request) -> Response:
    """Post what was kept back, in the same, the reverse or a shuffled order."""
    body = await read(request, _Release)
    return created({"released": sim.webhooks.release(body.order, sim.config.seed)})


async def lose(sim: Simulator, _request: Request) -> Response:
    """Lose every delivery that is held or being retried, as a WAHA that restarts does."""
    return created({"lost": sim.webhooks.lose()})


async def set_pace(sim: Simulator, request: Request) -> Response:
    """Stretch or shorten the time of people and receipts from now on."""
    sim.clock.pace = (await read(request, _Pace)).pace
    return created({"pace": sim.clock.pace})


async def forget_file(sim: Simulator, request: Request) -> Response:
    """Make the file of a message disappear; with `forever` fetching the message does not bring it back."""
    body = await read(request, _Forget)
    session = find_session(sim, body.session)
    message = known_message(session, body.message)
    gone = [name for name, kept in session.files.items() if kept.file is message.file]
    for name in gone:
        session.files[name].expires = time.time()
    message.lost = message.lost or body.forever
    return created({"files": gone})


async def offline(sim: Simulator, request: Request) -> Response:
    """Refuse connections, control calls included, for some seconds."""
    body = await read(request, _Offline)
    if sim.go_offline is None:
        raise bad_request("only a simulator that listens on a socket can go offline")
    sim.go_offline(body.seconds)
    return created({"seconds": body.seconds})


async def settle(sim: Simulator, _request: Request) -> Response:
    """Answer when nothing is on its way any more: no receipts to come, no deliveries, no retries."""
    await sim.background.settle()
    return created({"settled": True})


async def reset(sim: Simulator, _request: Request) -> Response:
    """Back to the start: configured sessions, empty, and nothing on its way."""
    sim.faults.clear()
    await sim.restart()
    return created({"sessions": list(sim.sessions)})


def _show_delivery(delivery: Delivery, *, with_body: bool) -> Body:
    shown: Body = {
        "requestId": delivery.request_id,
        "session": delivery.session,
        "event": delivery.event,
        "envelopeId": delivery.envelope_id,
        "payloadId": delivery.payload_id,
        "url": delivery.webhook.url,
        "state": delivery.state,
        "attempts": delivery.attempts,
    }
    return shown | {"body": read_object(delivery.raw)} if with_body else shown


def routes(sim: Simulator) -> list[Route]:
    """The routes of this module."""
    at = "/control/sessions/{session}"
    return [
        route(sim, "GET", "/control/sessions", sessions),
        route(sim, "GET", "/control/people", people),
        route(sim, "GET", f"{at}/chats", chats),
        route(sim, "GET", f"{at}/messages", messages),
        route(sim, "GET", "/control/deliveries", deliveries),
        route(sim, "GET", "/control/received", received),
        route(sim, "GET", "/control/faults", faults),
        route(sim, "POST", "/control/faults/webhooks", add_webhook_fault),
        route(sim, "POST", "/control/faults/rest", add_rest_fault),
        route(sim, "DELETE", "/control/faults", clear_faults),
        route(sim, "POST", "/control/webhooks/hold", hold),
        route(sim, "POST", "/control/webhooks/release", release),
        route(sim, "POST", "/control/webhooks/lose", lose),
        route(sim, "POST", "/control/pace", set_pace),
        route(sim, "POST", "/control/files/forget", forget_file),
        route(sim, "POST", "/control/offline", offline),
        route(sim, "POST", "/control/settle", settle),
        route(sim, "POST", "/control/reset", reset),
    ]
