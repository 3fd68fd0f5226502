"""Contacts, the lid table and presence."""

from starlette.requests import Request
from starlette.responses import Response

from wasim.errors import bad_request
from wasim.ids import chat_address, digits
from wasim.people import Person
from wasim.rest import Call, answer, chat_in_path, created, empty, in_path, in_query, page, read
from wasim.session import Session
from wasim.simulator import Simulator
from wasim.wire import Body, Wire


class _Names(Wire):
    first_name: str
    last_name: str = ""


class _Presence(Wire):
    presence: str
    chat_id: str | None = None


async def contacts(sim: Simulator, request: Request) -> Response:
    """`GET /api/contacts/all`."""
    session = in_query(sim, request)
    by_name = request.query_params.get("sortBy") == "name"
    known = sorted(_known(sim, session), key=lambda person: person.name if by_name else person.address())
    if request.query_params.get("sortOrder") == "desc":
        known.reverse()
    return answer(page(request, [_contact(sim, session, person) for person in known]))


async def contact(sim: Simulator, request: Request) -> Response:
    """`GET /api/contacts?contactId=`: null when nobody is known by it."""
    session = in_query(sim, request)
    person = sim.find_person(chat_address(_required(request, "contactId")))
    return answer(None if person is None else _contact(sim, session, person))


async def contact_in_path(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/contacts/{id}`."""
    session = in_path(sim, request)
    person = sim.find_person(chat_address(request.path_params["id"]))
    return answer(None if person is None else _contact(sim, session, person))


async def rename(sim: Simulator, request: Request) -> Response:
    """`PUT /api/{session}/contacts/{id}`: the name in the phone's address book."""
    session = in_path(sim, request)
    body = await read(request, _Names)
    person = sim.find_person(chat_address(request.path_params["id"]))
    if person is not None:
        session.contact_names[person.key] = f"{body.first_name} {body.last_name}".strip()
    return answer({"success": True})


async def check_exists(sim: Simulator, request: Request) -> Response:
    """`GET /api/contacts/check-exists`: the chat id WhatsApp knows, with or without Brazil's ninth digit."""
    in_query(sim, request)
    for phone in _spellings(digits(_required(request, "phone"))):
        person = sim.find_person(phone)
        if person is not None and person.on_whatsapp:
            return answer({"numberExists": True, "chatId": person.address("cus")})
    return answer({"numberExists": False})


async def about(sim: Simulator, request: Request) -> Response:
    """`GET /api/contacts/about`."""
    in_query(sim, request)
    return answer({"about": "Disponível"})


async def profile_picture(sim: Simulator, request: Request) -> Response:
    """`GET /api/contacts/profile-picture`: nobody here shows one."""
    in_query(sim, request)
    return answer({"profilePictureURL": None})


async def lids(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/lids`: the pairs the session has learnt."""
    session = in_path(sim, request)
    pairs = [_pair(person) for person in _known(sim, session) if person.lid and person.phone]
    return answer(page(request, pairs, limit=100))


async def lids_count(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/lids/count`."""
    session = in_path(sim, request)
    return answer({"count": sum(1 for p in _known(sim, session) if p.lid and p.phone)})


async def lid(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/lids/{lid}`: `pn` is null when unknown."""
    session = in_path(sim, request)
    address = f"{digits(request.path_params['lid'])}@lid"
    person = sim.find_person(address)
    known = person is not None and person in _known(sim, session)
    return answer(_pair(person) if person is not None and known else {"lid": address, "pn": None})


async def lid_of_phone(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/lids/pn/{phone}`: `lid` is null when unknown."""
    session = in_path(sim, request)
    phone = digits(request.path_params["phone"])
    person = sim.find_person(phone)
    known = person is not None and person.lid is not None and person in _known(sim, session)
    return answer(_pair(person) if person is not None and known else {"lid": None, "pn": f"{phone}@c.us"})


async def set_presence(sim: Simulator, request: Request) -> Response:
    """`POST /api/{session}/presence`: the account's own."""
    in_path(sim, request)
    body = await read(request, _Presence)
    if body.presence not in ("online", "offline", "typing", "recording", "paused"):
        raise bad_request("presence must be one of online, offline, typing, recording, paused")
    return empty()


async def presence(sim: Simulator, request: Request) -> Response:
    """`GET /api/{session}/presence/{chatId}`."""
    chat = chat_in_path(sim, in_path(sim, request), request)
    if chat.person is None:
        return answer({"id": chat.address(), "presences": []})
    one = {"participant": chat.address(), "lastSeen": chat.person.last_seen}
    return answer({"id": chat.address(), "presences": [one | {"lastKnownPresence": chat.person.presence}]})


async def subscribe(sim: Simulator, request: Request) -> Response:
    """`POST /api/{session}/presence/{chatId}/subscribe`."""
    in_path(sim, request)
    return created({"success": True})


def _required(request: Request, name: str) -> str:
    value = request.query_params.get(name)
    if not value:
        raise bad_request(f"{name} should not be empty", f"{name} must be a string")
    return value


def _known(sim: Simulator, session: Session) -> list[Person]:
    """Who the session knows: people it has chats or groups with, and those in the address book."""
    keys = {chat.person.key for chat in session.chats.values() if chat.person is not None}
    keys |= {key for group in session.groups.values() for key in group.members}
    keys |= session.contact_names.keys()
    return [p for p in sim.people.values() if p.key in keys or p.saved_as is not None]


def _contact(sim: Simulator, session: Session, person: Person) -> Body:
    return sim.engine(session).contact(person, session.contact_names.get(person.key))


def _pair(person: Person) -> Body:
    return {
        "lid": f"{person.lid}@lid" if person.lid else None,
        "pn": f"{person.phone}@c.us" if person.phone else None,
    }


def _spellings(phone: str) -> list[str]:
    if phone.startswith("55") and len(phone) == 13:  # noqa: PLR2004 -- Brazil with the ninth digit
        return [phone, phone[:4] + phone[5:]]
    if phone.startswith("55") and len(phone) == 12:  # noqa: PLR2004 -- and without it
        return [phone, f"{phone[:4]}9{phone[4:]}"]
    return [phone]


CALLS = [
    Call("GET", "/api/contacts/all", contacts, "read"),
    Call("GET", "/api/contacts/check-exists", check_exists, "read"),
    Call("GET", "/api/contacts/about", about, "read"),
    Call("GET", "/api/contacts/profile-picture", profile_picture, "read"),
    Call("GET", "/api/contacts", contact, "read"),
    Call("GET", "/api/{session}/contacts/{id}", contact_in_path, "read"),
    Call("PUT", "/api/{session}/contacts/{id}", rename, "action"),
    Call("GET", "/api/{session}/lids", lids, "read"),
    Call("GET", "/api/{session}/lids/count", lids_count, "read"),
    Call("GET", "/api/{session}/lids/pn/{phone}", lid_of_phone, "read"),
    Call("GET", "/api/{session}/lids/{lid}", lid, "read"),
    Call("POST", "/api/{session}/presence", set_presence, "action"),
    Call("GET", "/api/{session}/presence/{chatId}", presence, "read"),
    Call("POST", "/api/{session}/presence/{chatId}/subscribe", subscribe, "action"),
]
