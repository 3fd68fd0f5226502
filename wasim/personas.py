"""Life: personas tell their stories at a calm pace and answer what they are sent."""

import copy
from dataclasses import dataclass, field

from wasim import network
from wasim.cast import CAST, GROUP_ID, GROUP_SUBJECT, MEMBERS, Beat, Persona
from wasim.content import Content, Text
from wasim.dialogue import reply_to
from wasim.history import write_past
from wasim.ids import lid_of
from wasim.message import Message
from wasim.people import Chat, Group, Person
from wasim.session import Session
from wasim.simulator import Simulator

OPENING = (0.1, 0.2, 0.3)
"""Seconds before each of the first beats: a developer sees life within two seconds."""

PATIENCE = 4
"""Answers a persona gives between two beats of the story; after that only a nod, so that no two
machines talk to each other for ever."""


@dataclass(eq=False, kw_only=True)
class _Role:
    """A persona on stage: where the story stands and what was last said."""

    persona: Persona
    person: Person
    next_beat: int = 0
    answers: int = 0
    last: Message | None = None
    heard: dict[str, Message] = field(default_factory=dict)


class Stage:
    """Runs the cast in the first session that works."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._roles: dict[str, _Role] = {}
        sim.on_sent.append(self._hear)

    def begin(self) -> None:
        """Put everybody on WhatsApp, write their past, start their stories."""
        self._roles.clear()
        for persona in CAST:
            person = Person(
                phone=persona.phone,
                lid=lid_of(persona.phone),
                name=persona.name,
                saved_as=persona.saved_as,
                form=persona.form,
                receipts=persona.receipts,
            )
            self._sim.add_person(person)
            self._roles[person.key] = _Role(persona=persona, person=person)
        self._sim.background.spawn(self._direct())

    async def _direct(self) -> None:
        rng = self._sim.random("direction")
        told: _Role | None = None
        opening = list(OPENING)
        while True:
            await self._sim.clock.wait(opening.pop(0) if opening else rng.uniform(2.5, 6.0))
            session = self._session()
            if session is None:
                await self._sim.clock.wait(1.0)
                continue
            self._settle_in(session)
            waiting = [role for role in self._roles.values() if role is not told]
            # Whoever has said least is next, so that every story moves on.
            least = min(role.next_beat for role in waiting)
            told = rng.choice([role for role in waiting if role.next_beat == least])
            await self._perform(session, told)

    def _session(self) -> Session | None:
        working = (s for s in self._sim.sessions.values() if s.status == "WORKING" and s.me is not None)
        return next(working, None)

    def _settle_in(self, session: Session) -> None:
        """Before the first word in a session: its group and the past."""
        if GROUP_ID in session.groups:
            return
        group = Group(id=GROUP_ID, subject=GROUP_SUBJECT, description="Barracas, horários e chuva")
        group.created_at = self._sim.clock.seconds() - 30 * 86400
        for persona in MEMBERS:
            person = self._roles[persona.phone].person
            group.members[person.key] = (person, "admin" if persona is MEMBERS[0] else "participant")
        session.groups[GROUP_ID] = group
        session.chats[GROUP_ID] = Chat(group=group, last_at=group.created_at)
        if self._sim.config.history is not False:
            for role in self._roles.values():
                write_past(self._sim, session, role.person, role.persona.past)

    async def _perform(self, session: Session, role: _Role) -> None:
        story = role.persona.story
        beat = story[role.next_beat % len(story)]
        role.next_beat += 1
        role.answers = 0
        if beat.messages:
            chat = self._sim.chat(session, GROUP_ID if beat.group else role.person.address())
            await self._say(session, role, chat, beat.messages)
        else:
            self._act(session, role, beat)

    async def _say(self, session: Session, role: _Role, chat: Chat, messages: tuple[Content, ...]) -> None:
        for content in messages:
            network.presence(self._sim, session, chat, by=role.person, state="typing")
            length = len(content.text) if isinstance(content, Text) else 20
            await self._sim.clock.wait(min(0.2 + length * 0.01, 1.0))
            if session.me is None or session.status != "WORKING":
                return
            # Contents change when they are edited; the script must not.
            role.last = network.receive(
                self._sim, session, chat, author=role.person, content=copy.copy(content)
            )

    def _act(self, session: Session, role: _Role, beat: Beat) -> None:
        heard = role.heard.get(session.name)
        if beat.react is not None and heard is not None and not heard.revoked:
            network.react(self._sim, session, heard, beat.react, by=role.person)
        last = role.last
        if last is None or last.revoked or session.find(last.id) is not last:
            return
        if beat.edit is not None:
            network.edit(self._sim, session, last, beat.edit)
        if beat.revoke:
            network.revoke(self._sim, session, last)

    def _hear(self, session: Session, message: Message) -> None:
        """The account has written: whoever it was for thinks about an answer."""
        if message.chat.person is not None:
            role = self._roles.get(message.chat.person.key)
        elif message.chat.address() == GROUP_ID:
            role = self._roles.get(MEMBERS[0].phone)
        else:
            role = None
        if role is not None:
            role.heard[session.name] = message
            self._sim.background.spawn(self._answer(session, role, message))

    async def _answer(self, session: Session, role: _Role, message: Message) -> None:
        rng = self._sim.random("answer", role.persona.name, role.answers, role.next_beat)
        await self._sim.clock.wait(rng.uniform(2.5, 5.0))
        if message.revoked or session.me is None or session.status != "WORKING":
            return
        if role.heard.get(session.name) is not message:
            return  # Several messages in a row get one answer, to the last of them.
        reply = reply_to(message.content, role.persona, rng)
        role.answers += 1
        if reply.reaction is not None or role.answers > PATIENCE:
            network.react(self._sim, session, message, reply.reaction or "👍", by=role.person)
            return
        await self._say(session, role, message.chat, reply.messages)
