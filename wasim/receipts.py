"""Ticks: how far a message of the account has come, and the events that say so."""

from wasim.message import Message
from wasim.people import Person
from wasim.session import Session
from wasim.simulator import Simulator

_LEVELS = {"none": 1, "delivered": 2, "read": 4}


def acknowledge(
    sim: Simulator, session: Session, message: Message, ack: int, *, by: Person | None = None
) -> None:
    """Publish one receipt; the stored ack only ever grows, and -1 sets it to unknown as GOWS does."""
    if message.chat.is_group and by is not None:
        if session.tells_presence:
            payload = sim.engine(session).ack(message, ack, session.account, by=by)
            sim.webhooks.publish(session, "message.ack.group", payload)
        return
    if ack < 0:
        message.ack = None if session.engine == "GOWS" else ack
    else:
        message.ack = max(message.ack or 0, ack)
    payload = sim.engine(session).ack(message, ack, session.account, by=None)
    sim.webhooks.publish(session, "message.ack", payload)


async def follow(sim: Simulator, session: Session, message: Message, *, played: bool) -> None:
    """The life of a sent message: server at once, then device, read and for voice played."""
    await sim.clock.wait(0.2)
    if message.chat.group is not None:
        await _follow_group(sim, session, message, list(message.chat.group.members.values()))
        return
    acknowledge(sim, session, message, 1)
    person = message.chat.person
    reach = _LEVELS[person.receipts] if person is not None and person.on_whatsapp else 1
    for ack, delay in ((2, 0.5), (3, 1.5), (4, 2.0)):
        if ack > reach or (ack == 4 and not played):  # noqa: PLR2004 -- PLAYED
            return
        await sim.clock.wait(delay)
        acknowledge(sim, session, message, ack)


async def _follow_group(
    sim: Simulator, session: Session, message: Message, members: list[tuple[Person, str]]
) -> None:
    for ack, delay in ((2, 0.5), (3, 2.0)):
        await sim.clock.wait(delay)
        for person, _ in members:
            if person.on_whatsapp and ack <= _LEVELS[person.receipts]:
                acknowledge(sim, session, message, ack, by=person)
