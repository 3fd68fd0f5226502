"""A contact: a person or company spoken with, known by phone numbers, LIDs and JIDs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from domain.base import Aggregate, Event
from domain.errors import Invalid, InvalidState, TooMany, require_text, within
from domain.ids import ContactId, IdentityId, ProjectId, TenantId, new_id
from domain.values import AddressKind, PhoneNumber, WhatsAppAddress, email_address

NAME_LIMIT = 200
TAG_LIMIT, TAGS_LIMIT = 50, 100
FIELD_KEY_LIMIT, FIELD_VALUE_LIMIT, FIELDS_LIMIT = 64, 4_096, 100
LANGUAGE_LIMIT, TIMEZONE_LIMIT, EXTERNAL_ID_LIMIT = 35, 64, 255
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class IdentityKind(Enum):
    """What an identity is: a telephone number, a LID (WhatsApp's privacy id), or another JID."""

    PHONE = "PHONE"
    LID = "LID"
    JID = "JID"


class IdentitySource(Enum):
    """How the identity became known."""

    MESSAGE = "MESSAGE"
    LID_TABLE = "LID_TABLE"
    MANUAL = "MANUAL"
    IMPORT = "IMPORT"


@dataclass(eq=False, kw_only=True)
class ContactIdentity:
    """One way WhatsApp names the contact; unique per project. Phones are E.164, LIDs and JIDs as WAHA writes them."""

    id: IdentityId
    tenant_id: TenantId
    project_id: ProjectId
    contact_id: ContactId
    kind: IdentityKind
    value: str
    source: IdentitySource
    created_at: datetime


class NameSource(Enum):
    """Where a contact's name came from, weakest first; a weaker source never replaces a stronger one's name.

    TOLD is what the contact said to an agent.
    """

    ADDRESS = "ADDRESS"
    PUSH_NAME = "PUSH_NAME"
    IMPORT = "IMPORT"
    TOLD = "TOLD"
    MANUAL = "MANUAL"

    @property
    def rank(self) -> int:
        """The strength of the source."""
        return _NAME_RANKS[self]


_NAME_RANKS = {source: rank for rank, source in enumerate(NameSource)}


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomField:
    """A named value of the customer's own choosing."""

    key: str
    value: str


class ContactCreated(Event, name="contact.created"):
    """A contact was filed for the first time."""

    contact_id: ContactId
    project_id: ProjectId


class ContactUpdated(Event, name="contact.updated"):
    """Fields of a contact changed; `changes` names them."""

    contact_id: ContactId
    changes: tuple[str, ...]


class ContactNameChanged(Event, name="contact.name_changed"):
    """The contact is called differently now."""

    contact_id: ContactId
    source: NameSource


class ContactIdentifierLinked(Event, name="contact.identifier_linked"):
    """Another phone, LID or JID is known to be this contact."""

    contact_id: ContactId
    kind: IdentityKind


class ContactMerged(Event, name="contact.merged"):
    """Two contacts turned out to be one person; the merged one is gone."""

    primary_contact_id: ContactId
    merged_contact_id: ContactId


class ContactDeleted(Event, name="contact.deleted"):
    """The contact is no longer shown; its conversations stay."""

    contact_id: ContactId


@dataclass(eq=False, kw_only=True)
class Contact(Aggregate):
    """A person or company spoken with.

    `name_at` is the time of the message that gave a push name, so that an older message never undoes a newer name.
    """

    kind: ClassVar[str] = "contact"
    id: ContactId
    tenant_id: TenantId
    project_id: ProjectId
    name: str
    name_source: NameSource
    name_at: datetime
    phone: PhoneNumber | None = None
    email: str | None = None
    external_id: str | None = None
    language: str | None = None
    timezone: str | None = None
    tags: tuple[str, ...] = ()
    custom_fields: tuple[CustomField, ...] = ()
    first_interaction_at: datetime | None = None
    last_interaction_at: datetime | None = None
    merged_into_id: ContactId | None = None
    deleted_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def create(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        name: str,
        source: NameSource,
        at: datetime,
        named_at: datetime | None = None,
        phone: PhoneNumber | None = None,
    ) -> "Contact":
        """File a new contact. `named_at` is when the source said the name, if that was not now."""
        contact = cls(
            id=ContactId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            name_source=source,
            name_at=named_at or at,
            phone=phone,
            created_at=at,
            updated_at=at,
        )
        contact.record(ContactCreated(contact_id=contact.id, project_id=project_id), at=at)
        return contact

    def rename(self, name: str, *, source: NameSource, said_at: datetime, at: datetime) -> None:
        """Call the contact differently unless a stronger or newer source already named it; no-op if equal."""
        if (source.rank, said_at) < (self.name_source.rank, self.name_at):
            return
        text = require_text(name, field="name", limit=NAME_LIMIT)
        changed = text != self.name
        if not changed and (source, said_at) == (self.name_source, self.name_at):
            return
        self.name, self.name_source, self.name_at = text, source, said_at
        if changed:
            self.record(ContactNameChanged(contact_id=self.id, source=source), at=at)
        else:
            self.touch(at)

    def set_details(
        self,
        *,
        at: datetime,
        email: str | None,
        external_id: str | None,
        language: str | None,
        timezone: str | None,
        tags: Sequence[str],
        custom_fields: Sequence[CustomField],
    ) -> None:
        """Set what people write about a contact; records one event that names what really changed."""
        wanted: dict[str, object] = {
            "email": email_address(email) if email else None,
            "external_id": within(external_id, field="externalId", limit=EXTERNAL_ID_LIMIT)
            if external_id
            else None,
            "language": _language(language) if language else None,
            "timezone": within(timezone, field="timezone", limit=TIMEZONE_LIMIT) if timezone else None,
            "tags": normalised_tags(tags),
            "custom_fields": checked_fields(custom_fields),
        }
        changes = tuple(name for name, value in wanted.items() if getattr(self, name) != value)
        for name in changes:
            setattr(self, name, wanted[name])
        if changes:
            self.record(ContactUpdated(contact_id=self.id, changes=changes), at=at)

    def link_phone(self, phone: PhoneNumber, *, at: datetime) -> None:
        """Remember the telephone number people should see; the first one stays."""
        if self.phone is None:
            self.phone = phone
            self.touch(at)

    def interact(self, moment: datetime, *, at: datetime) -> None:
        """Widen the span of interactions to hold that moment."""
        first = min(self.first_interaction_at or moment, moment)
        last = max(self.last_interaction_at or moment, moment)
        if (first, last) != (self.first_interaction_at, self.last_interaction_at):
            self.first_interaction_at, self.last_interaction_at = first, last
            self.touch(at)

    def absorb(self, other: "Contact", *, at: datetime) -> None:
        """Take over another contact that turned out to be the same person; the other becomes a tombstone."""
        if other.id == self.id or other.merged_into_id is not None:
            raise InvalidState(f"Contact {other.id} cannot be merged into {self.id}.")
        self.rename(other.name, source=other.name_source, said_at=other.name_at, at=at)
        self.phone = self.phone or other.phone
        if self.phone is not None and self.name_source is NameSource.ADDRESS:
            self.rename(str(self.phone), source=NameSource.ADDRESS, said_at=self.name_at, at=at)
        self.email = self.email or other.email
        self.external_id = self.external_id or other.external_id
        self.language = self.language or other.language
        self.timezone = self.timezone or other.timezone
        self.tags = tuple(dict.fromkeys((*self.tags, *other.tags)))[:TAGS_LIMIT]
        known = {field.key for field in self.custom_fields}
        self.custom_fields = (
            *self.custom_fields,
            *(field for field in other.custom_fields if field.key not in known),
        )[:FIELDS_LIMIT]
        for moment in (other.first_interaction_at, other.last_interaction_at):
            if moment is not None:
                self.interact(moment, at=at)
        if other.deleted_at is None:
            self.restore(at=at)
        other.merged_into_id, other.deleted_at = self.id, at
        other.phone, other.external_id = None, None
        other.touch(at)
        self.record(ContactMerged(primary_contact_id=self.id, merged_contact_id=other.id), at=at)

    def delete(self, *, at: datetime) -> None:
        """Stop showing the contact and free its external id for another. A second delete raises `InvalidState`."""
        if self.deleted_at is not None:
            raise InvalidState("The contact is already deleted.")
        self.deleted_at, self.external_id = at, None
        self.record(ContactDeleted(contact_id=self.id), at=at)

    def restore(self, *, at: datetime) -> None:
        """Show a deleted contact again, because the person is in touch after all."""
        if self.deleted_at is not None and self.merged_into_id is None:
            self.deleted_at = None
            self.record(ContactUpdated(contact_id=self.id, changes=("deleted_at",)), at=at)

    def identify(self, address: WhatsAppAddress, *, source: IdentitySource, at: datetime) -> ContactIdentity:
        """Return the identity that ties an address to this contact and record that it was linked."""
        kind, value = identity_of(address)
        if kind is IdentityKind.PHONE:
            self.link_phone(PhoneNumber(value), at=at)
        self.record(ContactIdentifierLinked(contact_id=self.id, kind=kind), at=at)
        return ContactIdentity(
            id=IdentityId(new_id()),
            tenant_id=self.tenant_id,
            project_id=self.project_id,
            contact_id=self.id,
            kind=kind,
            value=value,
            source=source,
            created_at=at,
        )


def identity_of(address: WhatsAppAddress) -> tuple[IdentityKind, str]:
    """Return kind and stored value of a person's address: E.164, or the JID as WAHA writes it.

    A phone address that is no valid number (a short code) is kept as a JID.
    """
    if (phone := address.phone) is not None:
        return IdentityKind.PHONE, str(phone)
    if address.kind is AddressKind.LID:
        return IdentityKind.LID, str(address)
    return IdentityKind.JID, str(address)


def identities_of(address: WhatsAppAddress) -> list[tuple[IdentityKind, str]]:
    """Return the identities that would name the same person, the spelling given first."""
    kind, value = identity_of(address)
    if kind is not IdentityKind.PHONE:
        return [(kind, value)]
    return [(kind, str(variant)) for variant in PhoneNumber(value).variants()]


def normalised_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return tags in lower case, without repeats, in order; raises `Required`, `TooLong` or `TooMany`."""
    cleaned = tuple(dict.fromkeys(require_text(tag, field="tags", limit=TAG_LIMIT).lower() for tag in tags))
    if len(cleaned) > TAGS_LIMIT:
        raise TooMany(
            f"A contact holds at most {TAGS_LIMIT} tags; {len(cleaned)} were given.", field=["tags"]
        )
    return cleaned


def checked_fields(fields: Sequence[CustomField]) -> tuple[CustomField, ...]:
    """Return custom fields in order, the last of equal keys winning; raises `TooLong` or `TooMany`."""
    cleaned = {
        require_text(field.key, field="customFields", limit=FIELD_KEY_LIMIT): within(
            field.value, field="customFields", limit=FIELD_VALUE_LIMIT
        )
        for field in fields
    }
    if len(cleaned) > FIELDS_LIMIT:
        raise TooMany(f"A contact holds at most {FIELDS_LIMIT} custom fields.", field=["customFields"])
    return tuple(CustomField(key=key, value=value) for key, value in cleaned.items())


def _language(tag: str) -> str:
    if len(tag) > LANGUAGE_LIMIT or not _LANGUAGE.fullmatch(tag):
        raise Invalid(f"{tag[:40]!r} is not a language tag (BCP 47), such as pt-BR.", field=["language"])
    return tag
