"""The people and groups behind the simulator, and the chats that sessions have with them."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

AddressForm: TypeAlias = Literal["cus", "lid"]
Receipts: TypeAlias = Literal["read", "delivered", "none"]
Role: TypeAlias = Literal["participant", "admin", "superadmin"]


@dataclass(eq=False, kw_only=True)
class Person:
    """Somebody on WhatsApp.

    `phone` is None for a person whose number WhatsApp never reveals; then `lid` is the only identity.
    `form` is how the network addresses this person unless told otherwise.
    `receipts` says how far the ticks get when something is sent to this person.
    """

    phone: str | None
    lid: str | None
    name: str
    saved_as: str | None = None
    form: AddressForm = "cus"
    receipts: Receipts = "read"
    on_whatsapp: bool = True
    presence: str = "offline"
    last_seen: int | None = None

    @property
    def key(self) -> str:
        """What the person is filed under: the phone, else the linked id."""
        return self.phone or f"{self.lid}@lid"

    def address(self, form: AddressForm | None = None) -> str:
        """The person's chat id in the wanted form, or in the only one there is."""
        form = form or self.form
        if self.phone is None or (form == "lid" and self.lid is not None):
            return f"{self.lid}@lid"
        return f"{self.phone}@c.us"

    def alternate(self, form: AddressForm | None = None) -> str | None:
        """The other form of `address`, when both are known."""
        if self.phone is None or self.lid is None:
            return None
        return f"{self.phone}@c.us" if self.address(form).endswith("@lid") else f"{self.lid}@lid"


@dataclass(eq=False, kw_only=True)
class Group:
    """A group of one session and the people in it."""

    id: str
    subject: str
    description: str = ""
    created_at: int = 0
    admins_only: bool = False
    members: dict[str, tuple[Person, Role]] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class Chat:
    """One conversation of one session: with a person, in a group, or a fixed address (stories, channels)."""

    person: Person | None = None
    group: Group | None = None
    fixed: str | None = None
    unread: int = 0
    last_at: int = 0

    @property
    def key(self) -> str:
        """What the chat is filed under."""
        if self.person is not None:
            return self.person.key
        return self.address()

    @property
    def is_group(self) -> bool:
        """Whether several people write here."""
        return self.group is not None

    @property
    def name(self) -> str:
        """The title a phone would show."""
        if self.person is not None:
            return self.person.saved_as or self.person.name
        return self.group.subject if self.group is not None else ""

    def address(self, form: AddressForm | None = None) -> str:
        """The chat id, in the wanted form when it is a person's."""
        if self.person is not None:
            return self.person.address(form)
        if self.group is not None:
            return self.group.id
        return self.fixed or ""
