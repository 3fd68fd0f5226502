"""What can be done with contacts."""

from collections.abc import Sequence
from typing import TypedDict, Unpack
from uuid import UUID

from domain.crm.contact import (
    NAME_LIMIT,
    Contact,
    CustomField,
    IdentitySource,
    NameSource,
    identities_of,
)
from domain.errors import DuplicateIdentity, NotFound, Required, require_text
from domain.identity.permission import Permission
from domain.ids import ChannelId, ContactId
from domain.values import PhoneNumber, WhatsAppAddress
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import find_own, lock_own
from services.viewer import Viewer


class PhoneTaken(DuplicateIdentity):
    """Another contact has the number, in this or the other Brazilian spelling; `existing` is that contact."""

    def __init__(self, existing: Contact) -> None:
        super().__init__(
            "Another contact already has this phone number; update that one instead.", field=["phone"]
        )
        self.existing = existing


class Details(TypedDict, total=False):
    """What people write about a contact. Absent leaves a value as it is; None or nothing clears it."""

    email: str | None
    external_id: str | None
    language: str | None
    timezone: str | None
    tags: Sequence[str] | None
    custom_fields: Sequence[CustomField] | None


class Changes(Details, total=False):
    """What an update may set. A name cannot be cleared."""

    name: str | None


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Contact]:
    """Return those of the contacts that the viewer can see, by id."""
    viewer.require(Permission.CONTACTS_READ)
    found = await find_own(reader.contacts, viewer, ids)
    return {id_: contact for id_, contact in found.items() if contact.deleted_at is None}


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[Contact]:
    """Return a page of the project's contacts."""
    viewer.require(Permission.CONTACTS_READ)
    return await reader.contacts.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many contacts the whole list has, up to the limit of counting."""
    viewer.require(Permission.CONTACTS_READ)
    return await reader.contacts.count(viewer.project_id, listing)


async def by_address(
    reader: Reader, viewer: Viewer, *, address: WhatsAppAddress, channel_id: ChannelId | None
) -> Contact | None:
    """Return the contact behind an address; a Brazilian number in either spelling.

    Identities are shared by a project's channels, so that a channel only has to be the viewer's own.
    """
    viewer.require(Permission.CONTACTS_READ)
    if channel_id is not None and not await find_own(reader.channels, viewer, [channel_id]):
        return None
    found = await reader.contacts.by_identity(viewer.project_id, identities_of(address))
    return found if found is not None and found.deleted_at is None else None


async def create(
    uow: UnitOfWork, viewer: Viewer, *, name: str, phone: PhoneNumber | None, **details: Unpack[Details]
) -> Contact:
    """File a contact by hand. A deleted contact with the number comes back under the new name.

    Raises `PhoneTaken` when a contact has the number, `AlreadyExists` for a taken external id, or what breaks a rule.
    """
    viewer.require(Permission.CONTACTS_WRITE)
    address = None if phone is None else WhatsAppAddress.of_phone(phone)
    contact = None if address is None else await _claim(uow, viewer, address)
    if contact is None:
        contact = uow.contacts.add(
            Contact.create(
                tenant_id=viewer.tenant_id,
                project_id=viewer.project_id,
                name=require_text(name, field="name", limit=NAME_LIMIT),
                source=NameSource.MANUAL,
                at=uow.now,
            )
        )
        if address is not None:
            uow.contacts.link(contact.identify(address, source=IdentitySource.MANUAL, at=uow.now))
    else:
        contact.restore(at=uow.now)
        _rename(contact, name, uow)
    _describe(contact, details, uow)
    return contact


async def update(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    contact_id: ContactId,
    expected_version: int | None,
    **changes: Unpack[Changes],
) -> Contact:
    """Change what is said of a contact. Raises `NotFound`, `VersionConflict`, or what breaks a rule."""
    viewer.require(Permission.CONTACTS_WRITE)
    contact = await lock_own(uow.contacts, viewer, contact_id, expected_version=expected_version)
    _refuse_deleted(contact)
    if "name" in changes:
        name = changes.pop("name")
        if name is None:
            raise Required("name must not be empty.", field=["name"])
        _rename(contact, name, uow)
    _describe(contact, changes, uow)
    return contact


async def delete(
    uow: UnitOfWork, viewer: Viewer, *, contact_id: ContactId, expected_version: int | None
) -> Contact:
    """Stop showing a contact; its conversations stay. Raises `NotFound` or `VersionConflict`."""
    viewer.require(Permission.CONTACTS_WRITE)
    contact = await lock_own(uow.contacts, viewer, contact_id, expected_version=expected_version)
    _refuse_deleted(contact)
    contact.delete(at=uow.now)
    return contact


async def _claim(uow: UnitOfWork, viewer: Viewer, address: WhatsAppAddress) -> Contact | None:
    """Keep the address for this transaction; return the deleted contact that has it, if one does."""
    wanted = identities_of(address)
    await uow.contacts.claim(viewer.project_id, wanted)
    found = await uow.contacts.by_identity(viewer.project_id, wanted)
    if found is not None and found.deleted_at is None:
        raise PhoneTaken(found)
    return found


def _rename(contact: Contact, name: str, uow: UnitOfWork) -> None:
    wanted = require_text(name, field="name", limit=NAME_LIMIT)
    contact.rename(wanted, source=NameSource.MANUAL, said_at=uow.now, at=uow.now)


def _describe(contact: Contact, details: Details, uow: UnitOfWork) -> None:
    contact.set_details(
        at=uow.now,
        email=details.get("email", contact.email),
        external_id=details.get("external_id", contact.external_id),
        language=details.get("language", contact.language),
        timezone=details.get("timezone", contact.timezone),
        tags=details.get("tags", contact.tags) or (),
        custom_fields=details.get("custom_fields", contact.custom_fields) or (),
    )


def _refuse_deleted(contact: Contact) -> None:
    if contact.deleted_at is not None:
        raise NotFound("There is no contact with this id.", field=["id"])
