"""Who answers a burst: the agent in charge of the channel, unless somebody or something forbids it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from uuid import UUID

from domain.ai.agent_settings import AgentSettings
from domain.ai.run import AiRun, RunOutcome, RunStep, ToolRecord
from domain.ai.usage import is_spent
from domain.crm.channel import Channel
from domain.crm.chat import Chat, ChatStatus, ChatType
from domain.crm.escalation import EscalationCause
from domain.crm.message_group import GroupPart, MessageGroup
from domain.errors import Conflict
from domain.identity.agent import Agent, AgentType
from domain.identity.permission import Permission
from domain.ids import AiRunId, ChatId, ContactId, MessageGroupId, MessageId, SessionId
from persistence import ai_usage
from persistence.unit_of_work import Reader, UnitOfWork
from services.ai.agent_viewer import agent_viewer
from services.ai.handing_over import call_a_person, session_of
from services.crm.message_groups import let_next
from services.viewer import Viewer


class Skipped(Enum):
    """Why nobody is asked: no agent may answer, or the burst is settled already."""

    NOBODY = "NOBODY"
    SETTLED = "SETTLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One burst in the hands of one agent, and how far an earlier attempt came."""

    viewer: Viewer
    settings: AgentSettings
    run_id: AiRunId
    group_id: MessageGroupId
    token: UUID
    chat_id: ChatId
    contact_id: ContactId
    session_id: SessionId | None
    message_ids: tuple[MessageId, ...]
    parts: tuple[GroupPart, ...]
    steps: tuple[RunStep, ...]
    tool_calls: tuple[ToolRecord, ...]


async def begin(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    group_id: MessageGroupId,
    token: UUID,
    daily_budget_microusd: int | None,
) -> Assignment | Skipped:
    """Give a burst that was taken with the token to the agent in charge, or tell that nobody answers.

    `daily_budget_microusd` is what a project may spend in a day unless it says otherwise. Raises `Conflict` when the
    burst is not this worker's any more.
    """
    viewer.require(Permission.MESSAGES_SEND)
    found = await uow.message_groups.find(group_id)
    if found is not None and found.contact_id is not None:
        # Everybody locks the contact first.
        await uow.contacts.get_for_update(found.contact_id)
    group = await uow.message_groups.get_for_update(group_id)
    if not is_held(group, token):
        raise Conflict("The group is not this worker's any more.")
    run = await uow.ai_runs.of_group(group_id)
    chat = await uow.chats.find(group.chat_id)
    channel = await uow.channels.find(group.channel_id)
    agent = await in_charge(uow, channel)
    if run is not None and run.is_finished:
        return Skipped.NOBODY
    if (
        chat is None
        or chat.contact_id is None
        or agent is None
        or agent.ai is None
        or not may_answer(chat, uow.now)
        or (run is not None and run.agent_id != agent.id)
    ):
        if run is not None:
            run.finish(RunOutcome.SUPERSEDED, at=uow.now)
        return Skipped.NOBODY
    if run is None:
        session = await session_of(uow, chat, group.session_id)
        run = uow.ai_runs.add(
            AiRun.begin(
                tenant_id=group.tenant_id,
                project_id=group.project_id,
                group_id=group.id,
                chat_id=chat.id,
                channel_id=group.channel_id,
                contact_id=chat.contact_id,
                session_id=None if session is None else session.id,
                agent_id=agent.id,
                at=uow.now,
            )
        )
        if (reason := await _forbidden(uow, run, agent.ai, budget=daily_budget_microusd)) is not None:
            await _stop(uow, chat, run, settings=agent.ai, reason=reason)
            group.complete(token, at=uow.now)
            await let_next(uow, group)
            return Skipped.SETTLED
    return Assignment(
        viewer=agent_viewer(agent, agent.ai),
        settings=agent.ai,
        run_id=run.id,
        group_id=group.id,
        token=token,
        chat_id=chat.id,
        contact_id=chat.contact_id,
        session_id=run.session_id,
        message_ids=group.message_ids,
        parts=group.parts,
        steps=run.steps,
        tool_calls=run.tool_calls,
    )


def is_held(group: MessageGroup, token: UUID) -> bool:
    """Whether the burst is still worked on by whoever has the token."""
    return not group.is_settled and group.token == token


def may_answer(chat: Chat, now: datetime) -> bool:
    """Whether an agent may write in a chat: with one person, not closed, and no person of ours has taken over."""
    return (
        chat.type is ChatType.INDIVIDUAL and chat.status is not ChatStatus.CLOSED and not chat.is_paused(now)
    )


async def in_charge(reader: Reader, channel: Channel | None) -> Agent | None:
    """Return the agent of type AI that answers on a channel."""
    if channel is None or channel.deleted_at is not None or channel.agent_id is None:
        return None
    agent = await reader.agents.find(channel.agent_id)
    if agent is None or agent.type is not AgentType.AI or not agent.is_active or agent.ai is None:
        return None
    return agent if agent.project_id == channel.project_id else None


def day_of(at: datetime) -> datetime:
    """Return when the day began that limits are counted for, in UTC."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def is_overspent(
    reader: Reader, settings: AgentSettings, run_project: UUID, *, budget: int | None
) -> bool:
    """Whether a project has spent what it, the installation, or the agent allows for the day."""
    project = await reader.projects.find(run_project)
    if project is None:
        return True
    own = project.ai_daily_budget_microusd
    spent = await ai_usage.spent(reader.session, project_id=project.id, at=reader.now)
    limits = (budget if own is None else own, settings.daily_budget_microusd)
    return any(is_spent(limit, spent_microusd=spent) for limit in limits)


async def _forbidden(
    uow: UnitOfWork, run: AiRun, settings: AgentSettings, *, budget: int | None
) -> str | None:
    limit = settings.contact_runs_per_day
    if limit is not None and await uow.ai_runs.started_for(run.contact_id, since=day_of(uow.now)) >= limit:
        return f"The contact has had {limit} answers today, which is the limit."
    if await is_overspent(uow, settings, run.project_id, budget=budget):
        return "What models may cost in a day is spent."
    return None


async def _stop(uow: UnitOfWork, chat: Chat, run: AiRun, *, settings: AgentSettings, reason: str) -> None:
    is_first = not await uow.ai_runs.was_over_budget(run.contact_id, chat.id, since=day_of(uow.now))
    if settings.can_escalate and is_first:
        await call_a_person(uow, chat, run, EscalationCause.BUDGET, reason)
    run.finish(RunOutcome.BUDGET, reason=reason, at=uow.now)
