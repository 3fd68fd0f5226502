"""What can be done with chats."""

from domain.crm.chat import Chat
from domain.identity.permission import Permission
from domain.ids import ChatId
from persistence.unit_of_work import UnitOfWork
from services.viewer import Viewer


async def archive(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None) -> Chat:
    """Put a chat aside. Raises `NotFound`, `Conflict`, or `InvalidState` for a closed chat."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await uow.chats.get_for_update(chat_id, expected_version=expected_version)
    chat.archive(at=uow.now)
    return chat


async def unarchive(
    uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None
) -> Chat:
    """Bring an archived chat back. Raises `NotFound`, `Conflict`, or `InvalidState` for a closed chat."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await uow.chats.get_for_update(chat_id, expected_version=expected_version)
    chat.unarchive(at=uow.now)
    return chat


async def close(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None) -> Chat:
    """End work on a chat. Raises `NotFound` or `Conflict`."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await uow.chats.get_for_update(chat_id, expected_version=expected_version)
    chat.close(at=uow.now)
    return chat


async def reopen(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None) -> Chat:
    """Take up a closed chat again. Raises `NotFound`, `Conflict`, or `InvalidState` for a chat that is not closed."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await uow.chats.get_for_update(chat_id, expected_version=expected_version)
    chat.reopen(at=uow.now)
    return chat
