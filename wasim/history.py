"""Messages from before: stored, never announced, the same ids every time."""

from wasim.content import Text
from wasim.ids import stable_wa_id
from wasim.media import file_of
from wasim.message import Message
from wasim.people import Chat, Person
from wasim.session import Session
from wasim.simulator import Simulator
from wasim.wire import Wire

DAY = 86400


class HistoryBody(Wire):
    """How much past to write: `chats` people with `messages` texts each, spread over `days`."""

    chats: int = 10
    messages: int = 20
    days: int = 30


def write_past(sim: Simulator, session: Session, person: Person, lines: tuple[tuple[bool, str], ...]) -> None:
    """The past of one direct chat: `(from_me, text)` lines, some minutes apart, a few days ago."""
    rng = sim.random("past", person.key)
    at = sim.clock.seconds() - rng.randrange(2 * DAY, 6 * DAY)
    chat = sim.chat(session, person.address())
    for number, (from_me, text) in enumerate(lines):
        at += rng.randrange(30, 900)
        _store(session, chat, person, text=text, from_me=from_me, at=at, number=number)


def write_bulk(sim: Simulator, session: Session, body: HistoryBody) -> int:
    """A generated past for imports; answers how many messages there are. People are added as needed."""
    now = sim.clock.seconds()
    for index in range(body.chats):
        phone = f"55119{60000000 + index}"
        person = sim.people.get(phone) or sim.add_person(
            Person(phone=phone, lid=f"3{index:014d}", name=f"Pessoa {index + 1}")
        )
        chat = sim.chat(session, person.address())
        rng = sim.random("bulk", index)
        stamps = sorted(now - rng.randrange(60, max(body.days, 1) * DAY) for _ in range(body.messages))
        for number, at in enumerate(stamps):
            text = f"Mensagem {number + 1} de {body.messages}"
            _store(session, chat, person, text=text, from_me=number % 3 == 2, at=at, number=number)  # noqa: PLR2004
    return body.chats * body.messages


def _store(
    session: Session, chat: Chat, person: Person, *, text: str, from_me: bool, at: int, number: int
) -> None:
    content = Text(text=text)
    wa_id = stable_wa_id("3EB0" if from_me else "3A", session.account.phone, person.key, number)
    session.store(
        Message(
            wa_id=wa_id,
            chat=chat,
            author=None if from_me else person,
            content=content,
            at=at,
            source="api" if from_me else "app",
            me=session.account.id,
            form=person.form,
            ack=3 if from_me else 2,
            file=file_of(content, wa_id),
        )
    )
