"""The simulator's state: sessions, people, faults, webhooks and what WhatsApp really got."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from wasim.background import Background
from wasim.clock import Clock
from wasim.config import EngineName, SessionSettings, SimulatorConfig, WebhookSettings
from wasim.engines.by_name import ENGINES
from wasim.engines.engine import Engine
from wasim.faults import Faults
from wasim.ids import chat_address, digits, lid_of
from wasim.media import extension
from wasim.message import Message
from wasim.people import Chat, Group, Person
from wasim.session import KeptFile, Me, Session
from wasim.webhooks import Webhooks
from wasim.wire import Body, encode, read_object


@dataclass(eq=False, kw_only=True)
class Receipt:
    """One send that reached WhatsApp; `repeats` counts calls with the same id that added nothing."""

    session: str
    wa_id: str
    chat_id: str
    kind: str
    text: str | None
    repeats: int = 0


@dataclass(eq=False, kw_only=True)
class Simulator:
    """Everything one running simulator knows."""

    config: SimulatorConfig
    clock: Clock
    background: Background = field(default_factory=Background)
    faults: Faults = field(default_factory=Faults)
    base_url: str = "http://localhost:3000"
    abort: Callable[[tuple[str, int]], None] | None = None
    go_offline: Callable[[float], None] | None = None
    on_sent: list[Callable[[Session, Message], None]] = field(default_factory=list)
    on_start: list[Callable[[], None]] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    received: dict[str, Receipt] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.started_at = self.clock.millis()
        self.webhooks = Webhooks(self.clock, self.background, self.faults, retry_pace=self.config.retry_pace)
        self.populate()

    def populate(self) -> None:
        """(Re)create the configured sessions, empty and WORKING."""
        self.people.clear()
        self.received.clear()
        self.sessions.clear()
        for settings in self.config.sessions:
            self.sessions[settings.name] = _session_of(settings, self.clock.millis())

    @property
    def engine_name(self) -> EngineName:
        """The server's engine: that of its first session, as a real server has one for all."""
        return next((session.engine for session in self.sessions.values()), self.config.engine)

    def engine(self, session: Session) -> Engine:
        """The session's engine."""
        return ENGINES[session.engine]

    def random(self, *purpose: object) -> random.Random:
        """A random source that depends on the seed and the purpose only."""
        return random.Random(repr((self.config.seed, *purpose)))  # noqa: S311 -- stories, not secrets

    def add_person(self, person: Person) -> Person:
        """Put a person on WhatsApp, replacing an earlier one with the same key."""
        self.people[person.key] = person
        return person

    def find_person(self, address: str) -> Person | None:
        """The person with this phone, chat id or linked id."""
        if address.endswith("@lid"):
            lid = digits(address)
            return next((person for person in self.people.values() if person.lid == lid), None)
        return self.people.get(digits(address))

    def chat(self, session: Session, address: str) -> Chat:
        """The session's chat at an address; an unknown person is somebody without WhatsApp."""
        address = chat_address(address)
        if address.endswith(("@newsletter", "@broadcast")):
            return session.chats.get(address) or Chat(fixed=address)
        if address.endswith("@g.us"):
            group = session.groups.get(address) or Group(id=address, subject="")
            return session.chats.get(address) or Chat(group=group)
        person = self.find_person(address) or self._stranger(address)
        return session.chats.get(person.key) or Chat(person=person)

    def media_of(self, session: Session, message: Message) -> Body | None:
        """Serve a message's file for its lifetime and describe it; None for kinds without one."""
        file = message.file
        if file is None:
            return None
        shown: Body = {"url": None, "filename": file.filename, "mimetype": file.mimetype}
        if message.lost:
            error = {"code": 404, "message": "Failed to download media", "details": "media is gone"}
            return shown | {"error": error}
        stem = message.id if session.engine == "WEBJS" else message.wa_id
        name = f"{stem}.{extension(file.mimetype)}"
        lifetime = self.config.files_lifetime
        session.files[name] = KeptFile(file=file, expires=time.time() + lifetime if lifetime else None)
        return shown | {"url": f"{self.base_url}/api/files/{quote(session.name)}/{quote(name, safe='@')}"}

    def show(self, session: Session, message: Message, *, download: bool = True, source: bool = True) -> Body:
        """A WAMessage in the shape of the session's engine."""
        media = self.media_of(session, message) if download else _without_url(message)
        return self.engine(session).message(message, session.account, media=media, source=source)

    async def restart(self) -> None:
        """Forget everything that happened and begin again with the configured sessions."""
        await self.background.cancel_all()
        self.webhooks.forget()
        self.populate()
        for begin in self.on_start:
            begin()

    async def close(self) -> None:
        """End everything that runs."""
        await self.background.close()
        await self.webhooks.close()

    def _stranger(self, address: str) -> Person:
        if address.endswith("@lid"):
            return Person(phone=None, lid=digits(address), name="", on_whatsapp=False, receipts="none")
        return Person(phone=digits(address), lid=None, name="", on_whatsapp=False, receipts="none")


def read_webhooks(config: Body) -> list[WebhookSettings]:
    """The webhooks of a session config. Raises `msgspec.ValidationError` for malformed ones."""
    return msgspec.convert(config.get("webhooks") or [], type=list[WebhookSettings])


def _without_url(message: Message) -> Body | None:
    if message.file is None:
        return None
    return {"url": None, "filename": message.file.filename, "mimetype": message.file.mimetype}


def _session_of(settings: SessionSettings, now: int) -> Session:
    config = read_object(encode(settings))
    kept = ("metadata", "ignore", "webhooks", *(("webjs",) if settings.engine == "WEBJS" else ()))
    shown: Body = {key: config[key] for key in kept}
    return Session(
        name=settings.name,
        engine=settings.engine,
        config=shown,
        webhooks=settings.webhooks,
        me=Me(phone=settings.phone, lid=settings.lid or lid_of(settings.phone), push_name=settings.push_name),
        status="WORKING",
        statuses=[("STARTING", now), ("WORKING", now)],
        activity=now,
    )
