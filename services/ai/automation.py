"""How people silence agents in a chat, and let them answer again."""

from datetime import datetime, timedelta

from domain.crm.chat import Chat
from domain.crm.escalation import UNTIL_RESUMED
from domain.errors import Invalid
from domain.identity.permission import Permission
from domain.ids import ChatId
from persistence.unit_of_work import UnitOfWork
from services.scope import lock_own
from services.viewer import Viewer

LONGEST_SECONDS = 365 * 86_400


async def pause(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    chat_id: ChatId,
    until: datetime | None,
    seconds: int | None,
    expected_version: int | None,
) -> Chat:
    """Silence agents in a chat until an instant, for some seconds, or until somebody lets them answer again.

    A shorter pause does not shorten a longer one. Raises `NotFound`, `VersionConflict` or `Invalid`.
    """
    viewer.require(Permission.CHATS_WRITE)
    if until is not None and seconds is not None:
        raise Invalid("Give either untilAt or seconds, or neither to pause until resumed.", field=["untilAt"])
    if seconds is not None and not 1 <= seconds <= LONGEST_SECONDS:
        raise Invalid(f"seconds is {seconds}; it must be between 1 and {LONGEST_SECONDS}.", field=["seconds"])
    if until is not None and until <= uow.now:
        raise Invalid(f"untilAt is {until.isoformat()}; it must be in the future.", field=["untilAt"])
    chat = await lock_own(uow.chats, viewer, chat_id, expected_version=expected_version)
    end = until if seconds is None else uow.now + timedelta(seconds=seconds)
    chat.pause_automation(end or UNTIL_RESUMED, at=uow.now)
    return chat


async def resume(uow: UnitOfWork, viewer: Viewer, *, chat_id: ChatId, expected_version: int | None) -> Chat:
    """Let agents answer in a chat again. Raises `NotFound` or `VersionConflict`."""
    viewer.require(Permission.CHATS_WRITE)
    chat = await lock_own(uow.chats, viewer, chat_id, expected_version=expected_version)
    chat.resume_automation(at=uow.now)
    session = (await uow.sessions.active_in([chat.id])).get(chat.id)
    if session is not None and session.escalation is not None:
        (await uow.sessions.get_for_update(session.id)).escalate(None, at=uow.now)
    return chat
