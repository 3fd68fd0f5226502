"""How people come in: a session that needs one."""

from domain.ai.run import AiRun
from domain.crm.chat import Chat
from domain.crm.escalation import Escalation, EscalationCause
from domain.crm.session import Session
from domain.ids import SessionId
from persistence.unit_of_work import Reader, UnitOfWork

REASON_LIMIT = 500


async def call_a_person(uow: UnitOfWork, chat: Chat, run: AiRun, cause: EscalationCause, reason: str) -> None:
    """Note on the session that a person is needed; a session that says so already stays as it is."""
    found = await session_of(uow, chat, run.session_id)
    if found is not None:
        session = await uow.sessions.get_for_update(found.id)
        session.escalate(
            Escalation(cause=cause, reason=reason[:REASON_LIMIT], agent_id=run.agent_id, at=uow.now),
            at=uow.now,
        )


async def session_of(reader: Reader, chat: Chat, session_id: SessionId | None) -> Session | None:
    """Return the session that goes on in a chat, else the one named, which may have been joined to another."""
    active = (await reader.sessions.active_in([chat.id])).get(chat.id)
    if active is not None or session_id is None:
        return active
    return await reader.sessions.find(session_id)
