"""What ended sessions were about: which one is summed up, what the model is shown, and what is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.ai.agent_settings import AgentSettings
from domain.ai.chat import Answer
from domain.ai.prompt import Said
from domain.ai.session_summary import Gist, SessionSummary
from domain.ai.usage import AiPurpose
from domain.identity.permission import Permission
from domain.ids import ContactId, ProjectId, SessionId
from persistence import ai_usage
from persistence.ai import conversation
from persistence.unit_of_work import Reader, UnitOfWork
from services.ai.assignments import in_charge, is_overspent
from services.ai.memory import said_in
from services.scope import find_own
from services.viewer import Viewer

LEASE = timedelta(minutes=5)
PAUSE = timedelta(minutes=10)
PATIENCE = timedelta(days=1)
"""How long after its end a session can still get a summary; imported history gets none."""

_MESSAGES = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """An ended session as it was when it was claimed."""

    session_id: SessionId
    project_id: ProjectId
    contact_id: ContactId
    ended_at: datetime
    message_count: int
    settings: AgentSettings
    said: tuple[Said, ...]


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, SessionSummary]:
    """Return the summaries of those sessions that the viewer can see, by the session's id."""
    viewer.require(Permission.SESSIONS_READ)
    return await find_own(reader.session_summaries, viewer, ids)


async def claim(
    uow: UnitOfWork, viewer: Viewer, *, session_id: SessionId, daily_budget_microusd: int | None
) -> Episode | None:
    """Return a session that is to be summed up, for `LEASE`; None for one that needs no summary, or not now."""
    viewer.require(Permission.SESSIONS_WRITE)
    session = await uow.sessions.lock_if_free(session_id)
    if session is None or session.summary_due_at is None or uow.now < session.summary_due_at:
        return None
    agent = await in_charge(uow, await uow.channels.find(session.channel_id))
    ended_at = session.ended_at
    if agent is None or agent.ai is None or ended_at is None or uow.now - ended_at > PATIENCE:
        session.sum_up_at(None, at=uow.now)
        return None
    if await is_overspent(uow, agent.ai, session.project_id, budget=daily_budget_microusd):
        session.sum_up_at(uow.now + PAUSE, at=uow.now)
        return None
    session.sum_up_at(uow.now + LEASE, at=uow.now)
    said = await conversation.messages_of_session(uow.session, session.id, limit=_MESSAGES)
    return Episode(
        session_id=session.id,
        project_id=session.project_id,
        contact_id=session.contact_id,
        ended_at=ended_at,
        message_count=session.message_count,
        settings=agent.ai,
        said=await said_in(uow, viewer, messages=said),
    )


async def store(
    uow: UnitOfWork, viewer: Viewer, *, episode: Episode, gist: Gist, answer: Answer, cost: int | None
) -> bool:
    """Keep a summary, unless the session went on meanwhile; return whether it was kept. What it cost counts anyway."""
    viewer.require(Permission.SESSIONS_WRITE)
    is_current = await _settle(uow, episode)
    if is_current:
        earlier = await uow.session_summaries.find(episode.session_id)
        written = SessionSummary.write(
            gist,
            session_id=episode.session_id,
            tenant_id=viewer.tenant_id,
            project_id=episode.project_id,
            contact_id=episode.contact_id,
            ended_at=episode.ended_at,
            message_count=episode.message_count,
            model=answer.model,
            usage=answer.usage,
            cost=cost,
            at=uow.now,
        )
        if earlier is None:
            uow.session_summaries.add(written)
        else:
            earlier.replace(written, at=uow.now)
    await spend(uow, viewer, episode=episode, cost=cost)
    return is_current


async def spend(uow: UnitOfWork, viewer: Viewer, *, episode: Episode, cost: int | None) -> None:
    """Count what an answer cost, whether it was of use or not."""
    viewer.require(Permission.SESSIONS_WRITE)
    await uow.session.flush()
    await ai_usage.spend(
        uow.session,
        tenant_id=viewer.tenant_id,
        project_id=episode.project_id,
        purpose=AiPurpose.SUMMARY,
        cost_microusd=cost,
        at=uow.now,
    )


async def put_off(uow: UnitOfWork, viewer: Viewer, *, episode: Episode, pause: timedelta) -> None:
    """Try again after a pause."""
    viewer.require(Permission.SESSIONS_WRITE)
    session = await uow.sessions.lock_if_free(episode.session_id)
    if session is not None and session.summary_due_at is not None:
        session.sum_up_at(uow.now + pause, at=uow.now)


async def give_up(uow: UnitOfWork, viewer: Viewer, *, episode: Episode) -> None:
    """Leave a session without a summary."""
    viewer.require(Permission.SESSIONS_WRITE)
    await _settle(uow, episode)


async def _settle(uow: UnitOfWork, episode: Episode) -> bool:
    session = (await uow.sessions.find_many([episode.session_id])).get(episode.session_id)
    if session is None:
        return False
    session = await uow.sessions.get_for_update(session.id)
    if (session.ended_at, session.message_count) != (episode.ended_at, episode.message_count):
        return False
    session.sum_up_at(None, at=uow.now)
    return True
