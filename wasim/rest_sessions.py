"""Sessions and pairing: create, configure, start, stop, the QR code."""

import base64

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from wasim import status
from wasim.errors import bad_request, unprocessable, wrong_status
from wasim.ids import new_wa_id
from wasim.media import qr_picture
from wasim.rest import Call, answer, created, empty, find_session, flag, read
from wasim.session import Session, valid_name
from wasim.simulator import Simulator, read_webhooks
from wasim.wire import Body, Wire


class _Create(Wire):
    name: str | None = None
    start: bool = True
    config: Body | None = None


class _Update(Wire):
    config: Body | None = None


class _PhoneNumber(Wire):
    phone_number: str


async def list_sessions(sim: Simulator, request: Request) -> Response:
    """`GET /api/sessions`: running ones, with `all=true` the stopped ones too."""
    every = flag(request, "all", default=False)
    found = [s for s in sim.sessions.values() if every or s.status != "STOPPED"]
    return answer([_info(session) for session in found])


async def create(sim: Simulator, request: Request) -> Response:
    """`POST /api/sessions`."""
    body = await read(request, _Create)
    name = body.name or f"session_{new_wa_id('').lower()}"
    if not valid_name(name):
        raise bad_request("name must match /^[a-zA-Z0-9_-]*$/ regular expression")
    if name in sim.sessions:
        raise unprocessable(f"Session '{name}' already exists. Use PUT to update it.")
    session = Session(name=name, engine=sim.config.engine, config={}, webhooks=[], me=None)
    _configure(session, body.config)
    sim.sessions[name] = session
    if body.start:
        status.start(sim, session)
    return created(_dto(session))


async def get(sim: Simulator, request: Request) -> Response:
    """`GET /api/sessions/{session}`."""
    return answer(_info(_named(sim, request)) | _engine_state(_named(sim, request)))


async def update(sim: Simulator, request: Request) -> Response:
    """`PUT /api/sessions/{session}`: the whole config; a running session is stopped and started."""
    session = _named(sim, request)
    body = await read(request, _Update)
    _configure(session, body.config)
    if session.status != "STOPPED":
        status.stop(sim, session)
        status.start(sim, session)
    return answer(_dto(session))


async def delete(sim: Simulator, request: Request) -> Response:
    """`DELETE /api/sessions/{session}`: stops, logs out, forgets; nothing when there is none."""
    session = sim.sessions.get(request.path_params["session"])
    if session is not None:
        status.stop(sim, session)
        del sim.sessions[session.name]
    return empty(200)


async def start(sim: Simulator, request: Request) -> Response:
    """`POST …/start`."""
    session = _named(sim, request)
    status.start(sim, session)
    return created(_dto(session))


async def stop(sim: Simulator, request: Request) -> Response:
    """`POST …/stop`."""
    session = _named(sim, request)
    status.stop(sim, session)
    return created(_dto(session))


async def restart(sim: Simulator, request: Request) -> Response:
    """`POST …/restart`."""
    session = _named(sim, request)
    status.stop(sim, session)
    status.start(sim, session)
    return created(_dto(session))


async def logout(sim: Simulator, request: Request) -> Response:
    """`POST …/logout`: unlink, keep the config, start again if it ran."""
    session = _named(sim, request)
    status.log_out(sim, session)
    return created(_dto(session))


async def me(sim: Simulator, request: Request) -> Response:
    """`GET …/me`: null when unpaired."""
    session = _named(sim, request)
    return answer(session.me.shown(session.engine) if session.me is not None else None)


async def qr(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/auth/qr`: a PNG, the PNG as base64, or the raw value."""
    session = _scanning(sim, request)
    value = f"2@wasim{session.qr},{session.name},demoNoiseKey=,demoIdentityKey=,demoAdvSecret=,1"
    if request.query_params.get("format") == "raw":
        return answer({"value": value})
    picture = qr_picture(value)
    if "application/json" in request.headers.get("accept", ""):
        return answer({"mimetype": "image/png", "data": base64.b64encode(picture).decode()})
    return Response(picture, media_type="image/png")


async def request_code(sim: Simulator, request: Request) -> Response:
    """`POST /api/{session}/auth/request-code`."""
    await read(request, _PhoneNumber)
    _scanning(sim, request)
    return created({"code": "ABCD-ABCD"})


def _named(sim: Simulator, request: Request) -> Session:
    return find_session(sim, request.path_params["session"])


def _scanning(sim: Simulator, request: Request) -> Session:
    session = _named(sim, request)
    if session.status != "SCAN_QR_CODE":
        raise wrong_status(session.name, session.status, "SCAN_QR_CODE")
    return session


def _configure(session: Session, config: Body | None) -> None:
    try:
        session.webhooks = read_webhooks(config or {})
    except msgspec.ValidationError as error:
        raise bad_request(f"config.webhooks: {error}") from error
    session.config = config or {}


def _dto(session: Session) -> Body:
    return {"name": session.name, "status": session.status, "config": session.config}


def _info(session: Session) -> Body:
    return _dto(session) | {
        "me": session.me.shown(session.engine) if session.me is not None else None,
        "presence": "offline" if session.status == "WORKING" else None,
        "timestamps": {"activity": session.activity},
        "assignedWorker": "waha1",
    }


def _engine_state(session: Session) -> Body:
    if session.status == "STOPPED":
        return {}
    works = session.status == "WORKING"
    state: Body = {"engine": session.engine}
    if session.engine == "GOWS":
        state |= {
            "grpc": {"client": "READY", "stream": "READY"},
            "gows": {"found": works, "connected": works},
        }
    elif session.engine == "WEBJS":
        state |= {"WWebVersion": "2.3000.1000000000", "state": "CONNECTED" if works else None}
    return {"engine": state}


CALLS = [
    Call("GET", "/api/sessions", list_sessions, "read"),
    Call("POST", "/api/sessions", create, "action"),
    Call("GET", "/api/sessions/{session}", get, "read"),
    Call("PUT", "/api/sessions/{session}", update, "action"),
    Call("DELETE", "/api/sessions/{session}", delete, "action"),
    Call("POST", "/api/sessions/{session}/start", start, "action"),
    Call("POST", "/api/sessions/{session}/stop", stop, "action"),
    Call("POST", "/api/sessions/{session}/restart", restart, "action"),
    Call("POST", "/api/sessions/{session}/logout", logout, "action"),
    Call("GET", "/api/sessions/{session}/me", me, "read"),
    Call("GET", "/api/{session}/auth/qr", qr, "read"),
    Call("POST", "/api/{session}/auth/request-code", request_code, "action"),
]
