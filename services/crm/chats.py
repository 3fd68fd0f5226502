"""What can be done with chats."""

from collections.abc import Sequence
from uuid import UUID

from domain.crm.chat import Chat
from domain.identity.permission import Permission
from domain.ids import ChatId
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import find_own, lock_own
from services.viewer import Viewer


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Chat]:
    """Return those of the chats that the viewer can see, by id."""
    viewer.require(Permission.CHATS_READ)
    return await find_own(reader.chats, viewer, ids)


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[Chat]:
    """Return a page of the project's chats."""
    viewer.require(Permission.CHATS_READ)
    return await reader.chats.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many chats the whole list has, up to the limit of counting."""
    viewer.require(Permission.CHATS_READ)
    return await reader.chats.count(viewer.project_id, listing)


async def archive(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None) -> Chat:
    """Put a chat aside. Raises `NotFound`, `Conflict`, or `InvalidState` for a closed chat."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await lock_own(uow.chats, viewer, chat_id, expected_version=expected_version)
    chat.archive(at=uow.now)
    return chat


async def unarchive(
    uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None
) -> Chat:
    """Bring an archived chat back. Raises `NotFound`, `Conflict`, or `InvalidState` for a closed chat."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await lock_own(uow.chats, viewer, chat_id, expected_version=expected_version)
    chat.unarchive(at=uow.now)
    return chat


async def close(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None) -> Chat:
    """End work on a chat. Raises `NotFound` or `Conflict`."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await lock_own(uow.chats, viewer, chat_id, expected_version=expected_version)
    chat.close(at=uow.now)
    return chat


async def reopen(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None) -> Chat:
    """Take up a closed chat again. Raises `NotFound`, `Conflict`, or `InvalidState` for a chat that is not closed."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await lock_own(uow.chats, viewer, chat_id, expected_version=expected_version)
    chat.reopen(at=uow.now)
    return chat
