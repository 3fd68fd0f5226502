"""Groups: list, one, participants raw and portable, create."""

from starlette.requests import Request
from starlette.responses import Response

from wasim.engines.shared import participant_v2
from wasim.errors import not_found
from wasim.ids import chat_address
from wasim.people import Chat, Group
from wasim.rest import Call, answer, created, empty, in_path, page, read
from wasim.session import Session
from wasim.simulator import Simulator
from wasim.wire import Body, Wire


class _Ref(Wire):
    id: str


class _Create(Wire):
    name: str
    participants: list[_Ref]


class _Subject(Wire):
    subject: str


async def groups(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/groups`: a list, on NOWEB an object keyed by id."""
    session = in_path(sim, request)
    engine = sim.engine(session)
    shown = page(request, [engine.group(group, session.account) for group in session.groups.values()])
    if request.query_params.get("exclude") == "participants":
        for group in shown:
            group.pop("Participants", None)
            group.pop("participants", None)
    return answer({str(group["id"]): group for group in shown} if engine.name == "NOWEB" else shown)


async def count(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/groups/count`."""
    return answer({"count": len(in_path(sim, request).groups)})


async def create(sim: Simulator, request: Request) -> Response:
    """`POST /api/{session}/groups`."""
    session = in_path(sim, request)
    body = await read(request, _Create)
    group = Group(id=f"1203630000{len(session.groups) + 1:08d}@g.us", subject=body.name)
    group.created_at = sim.clock.seconds()
    for ref in body.participants:
        person = sim.chat(session, ref.id).person
        if person is not None:
            group.members[person.key] = (person, "participant")
    session.groups[group.id] = group
    session.chats[group.id] = Chat(group=group, last_at=group.created_at)
    return created(sim.engine(session).group(group, session.account))


async def refresh(sim: Simulator, request: Request) -> Response:
    """`POST /api/{session}/groups/refresh`."""
    in_path(sim, request)
    return answer({"success": True})


async def one(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/groups/{id}`."""
    session, group = _group(sim, request)
    return answer(sim.engine(session).group(group, session.account))


async def set_subject(sim: Simulator, request: Request) -> Response:
    """`PUT /api/{session}/groups/{id}/subject`."""
    _, group = _group(sim, request)
    group.subject = (await read(request, _Subject)).subject
    return empty(200)


async def participants(sim: Simulator, request: Request) -> Response:
    """`GET …/participants`: raw objects of the engine."""
    session, group = _group(sim, request)
    return answer(sim.engine(session).participants(group, session.account))


async def participants_v2(sim: Simulator, request: Request) -> Response:
    """`GET …/participants/v2`: linked ids, `pn` when known, the account first."""
    session, group = _group(sim, request)
    me = session.account
    own = participant_v2(f"{me.lid}@lid", me.phone, "superadmin")
    shown: list[Body] = [participant_v2(p.address("lid"), p.phone, r) for p, r in group.members.values()]
    return answer([own, *shown])


def _group(sim: Simulator, request: Request) -> tuple[Session, Group]:
    session = in_path(sim, request)
    address = chat_address(request.path_params["id"])
    group = session.groups.get(address)
    if group is None:
        raise not_found(f"Group with id '{address}' not found")
    return session, group


CALLS = [
    Call("GET", "/api/{session}/groups", groups, "read"),
    Call("POST", "/api/{session}/groups", create, "action"),
    Call("GET", "/api/{session}/groups/count", count, "read"),
    Call("POST", "/api/{session}/groups/refresh", refresh, "action"),
    Call("GET", "/api/{session}/groups/{id}", one, "read"),
    Call("PUT", "/api/{session}/groups/{id}/subject", set_subject, "action"),
    Call("GET", "/api/{session}/groups/{id}/participants", participants, "read"),
    Call("GET", "/api/{session}/groups/{id}/participants/v2", participants_v2, "read"),
]
