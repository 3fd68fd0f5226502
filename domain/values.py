"""Value objects that more than one aggregate uses."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import NewType, Self

from domain.errors import Invalid

Sealed = NewType("Sealed", bytes)
"""A secret encrypted by the vault; only the vault can open it."""

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SEPARATORS = re.compile(r"[\s().\-/]")
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}")
_EMAIL_LIMIT = 254
_BRAZIL = "+55"
_BRAZIL_WITH_NINTH, _BRAZIL_WITHOUT_NINTH = 14, 13
_FIRST_MOBILE_DIGIT = "6"


class PhoneNumber(str):
    """A telephone number in E.164: a plus sign and 7 to 15 digits (ITU-T E.164).

    Spaces, dots, hyphens and brackets of the input are dropped. Raises `Invalid` for anything else.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Return the normalised number."""
        text = _SEPARATORS.sub("", value)
        if not _E164.fullmatch(text):
            raise Invalid(f"{value[:32]!r} is not a phone number; use E.164, for example +5511999990001.")
        return super().__new__(cls, text)

    @classmethod
    def from_digits(cls, digits: str) -> Self | None:
        """Return the number written as bare digits, as WhatsApp does, or None if it cannot be one."""
        text = "+" + digits
        return cls(text) if digits.isascii() and _E164.fullmatch(text) else None

    @property
    def digits(self) -> str:
        """The number without its plus sign."""
        return self[1:]

    def variants(self) -> tuple["PhoneNumber", ...]:
        """Return the spellings that reach the same person, itself first.

        Brazilian mobile numbers gained a ninth digit between 2012 and 2016 (Anatel resolution 553/2010);
        WhatsApp accounts made before keep the eight-digit form.
        """
        if not self.startswith(_BRAZIL):
            return (self,)
        area, subscriber = self[3:5], self[5:]
        if len(self) == _BRAZIL_WITH_NINTH and subscriber[0] == "9" and subscriber[1] >= _FIRST_MOBILE_DIGIT:
            return (self, PhoneNumber(_BRAZIL + area + subscriber[1:]))
        if len(self) == _BRAZIL_WITHOUT_NINTH and subscriber[0] >= _FIRST_MOBILE_DIGIT:
            return (self, PhoneNumber(_BRAZIL + area + "9" + subscriber))
        return (self,)


class AddressKind(Enum):
    """What a WhatsApp address names."""

    PHONE = "PHONE"
    LID = "LID"
    GROUP = "GROUP"
    NEWSLETTER = "NEWSLETTER"
    BROADCAST = "BROADCAST"


_SERVERS = {
    "c.us": AddressKind.PHONE,
    "s.whatsapp.net": AddressKind.PHONE,
    "lid": AddressKind.LID,
    "g.us": AddressKind.GROUP,
    "newsletter": AddressKind.NEWSLETTER,
    "broadcast": AddressKind.BROADCAST,
}
_CANONICAL = {
    AddressKind.PHONE: "c.us",
    AddressKind.LID: "lid",
    AddressKind.GROUP: "g.us",
    AddressKind.NEWSLETTER: "newsletter",
    AddressKind.BROADCAST: "broadcast",
}
_USER = re.compile(r"[A-Za-z0-9.\-]{1,64}")


@dataclass(frozen=True, slots=True)
class WhatsAppAddress:
    """A JID without its device part: who or what on WhatsApp.

    A LID is an opaque number chosen by WhatsApp and never a telephone number.
    """

    kind: AddressKind
    user: str

    @classmethod
    def parse(cls, text: str) -> "WhatsAppAddress | None":
        """Return the address in `user[:device]@server` or bare digits, or None if it is neither."""
        user, separator, server = text.strip().partition("@")
        user = user.partition(":")[0]
        kind = _SERVERS.get(server) if separator else (AddressKind.PHONE if user.isdigit() else None)
        if kind is None or not user.isascii() or not _USER.fullmatch(user):
            return None
        if kind in {AddressKind.PHONE, AddressKind.LID} and not user.isdigit():
            return None
        return cls(kind, user)

    @classmethod
    def of_phone(cls, phone: PhoneNumber) -> "WhatsAppAddress":
        """Return the address WhatsApp gives to a phone number."""
        return cls(AddressKind.PHONE, phone.digits)

    def __str__(self) -> str:
        """Return the form WAHA uses, such as `5511999990001@c.us`."""
        return f"{self.user}@{_CANONICAL[self.kind]}"

    @property
    def is_person(self) -> bool:
        """Whether the address names one person."""
        return self.kind in {AddressKind.PHONE, AddressKind.LID}

    @property
    def phone(self) -> PhoneNumber | None:
        """The telephone number, for phone addresses that are well formed."""
        return PhoneNumber.from_digits(self.user) if self.kind is AddressKind.PHONE else None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """A file that is kept: its SHA-256 in lower-case hexadecimal, its size in bytes, and how it begins."""

    sha256: str
    size: int
    beginning: bytes


def email_address(value: str) -> str:
    """Return the address trimmed and in lower case, or raise `Invalid`."""
    text = value.strip().lower()
    if len(text) > _EMAIL_LIMIT or not _EMAIL.fullmatch(text):
        raise Invalid(f"{value[:64]!r} is not an e-mail address.", field=["email"])
    return text
