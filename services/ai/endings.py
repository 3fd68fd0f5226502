"""How a run ends: each in one transaction, with the chat locked as a person's message locks it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from domain.ai.run import AiRun, RunOutcome, ToolOutcome
from domain.crm.chat import Chat
from domain.crm.content import TextContent
from domain.crm.escalation import UNTIL_RESUMED, EscalationCause
from domain.crm.message import MessageOrigin
from domain.crm.message_group import MessageGroup
from domain.crm.session import SessionEndReason
from domain.errors import Conflict, DomainError
from domain.identity.permission import Permission
from persistence.unit_of_work import UnitOfWork
from services.ai.assignments import Assignment, in_charge, is_held, may_answer
from services.ai.handing_over import call_a_person, session_of
from services.crm import messages, sessions
from services.crm.message_groups import let_next
from services.viewer import Viewer


@dataclass(frozen=True, slots=True)
class _Held:
    """What a run may still change, locked."""

    chat: Chat
    group: MessageGroup
    run: AiRun


async def reply(
    uow: UnitOfWork, viewer: Viewer, *, assignment: Assignment, texts: tuple[str, ...]
) -> RunOutcome:
    """Send what the agent answers, unless a person was faster; return what came of it.

    Raises `Conflict` when another worker has the burst, and what `services.crm.messages.send` raises.
    """
    viewer.require(Permission.MESSAGES_SEND)
    held = await _hold(uow, assignment)
    if held is None:
        return RunOutcome.SUPERSEDED
    for number, text in enumerate(texts):
        await _say(uow, viewer, assignment, text, key=str(number))
    await _close_if_asked(uow, viewer, held)
    return await _end(uow, held, assignment, RunOutcome.REPLIED, reply_count=len(texts))


async def stay_silent(uow: UnitOfWork, viewer: Viewer, *, assignment: Assignment, reason: str) -> RunOutcome:
    """End without an answer. Raises `Conflict` when another worker has the burst."""
    viewer.require(Permission.MESSAGES_SEND)
    held = await _hold(uow, assignment)
    if held is None:
        return RunOutcome.SUPERSEDED
    await _close_if_asked(uow, viewer, held)
    return await _end(uow, held, assignment, RunOutcome.SILENT, reason=reason)


async def escalate(uow: UnitOfWork, viewer: Viewer, *, assignment: Assignment, reason: str) -> RunOutcome:
    """Hand the chat over to people: no agent answers in it until one of them lets it.

    Raises `Conflict` when another worker has the burst, and what `services.crm.messages.send` raises.
    """
    viewer.require(Permission.MESSAGES_SEND)
    held = await _hold(uow, assignment)
    if held is None:
        return RunOutcome.SUPERSEDED
    count = 0
    if assignment.settings.handover_message is not None:
        # The handing over counts, even if nobody can be told of it now.
        with suppress(DomainError):
            await _say(uow, viewer, assignment, assignment.settings.handover_message, key="handover")
            count = 1
    await call_a_person(uow, held.chat, held.run, EscalationCause.REQUESTED, reason)
    held.chat.pause_automation(UNTIL_RESUMED, at=uow.now)
    return await _end(uow, held, assignment, RunOutcome.ESCALATED, reply_count=count, reason=reason)


async def is_superseded(uow: UnitOfWork, viewer: Viewer, *, assignment: Assignment) -> bool:
    """Whether a person was faster or the burst was cancelled, which ends the run.

    Raises `Conflict` when another worker has the burst.
    """
    viewer.require(Permission.MESSAGES_SEND)
    return await _hold(uow, assignment) is None


async def fail(uow: UnitOfWork, viewer: Viewer, *, assignment: Assignment, error: str) -> RunOutcome:
    """Give the burst up: what it says is kept, the fallback is said, and people are told.

    Raises `Conflict` when another worker has the burst.
    """
    viewer.require(Permission.MESSAGES_SEND)
    held = await _hold(uow, assignment)
    if held is None:
        return RunOutcome.SUPERSEDED
    held.group.fail(assignment.token, error=error, at=uow.now)
    return await _failed(uow, viewer, held, assignment, error)


async def retry_later(
    uow: UnitOfWork, viewer: Viewer, *, assignment: Assignment, error: str, until: datetime
) -> RunOutcome | None:
    """Give the burst back until then; None, or the outcome if that was the last attempt.

    Raises `Conflict` when another worker has the burst.
    """
    viewer.require(Permission.MESSAGES_SEND)
    held = await _hold(uow, assignment)
    if held is None:
        return RunOutcome.SUPERSEDED
    held.group.retry_later(assignment.token, error=error, until=until, at=uow.now)
    if not held.group.is_settled:
        return None
    return await _failed(uow, viewer, held, assignment, error)


async def _hold(uow: UnitOfWork, assignment: Assignment) -> _Held | None:
    """Lock contact, chat, burst and run; end the run as superseded and return None when it may not have an effect."""
    await uow.contacts.get_for_update(assignment.contact_id)
    chat = await uow.chats.get_for_update(assignment.chat_id)
    group = await uow.message_groups.get_for_update(assignment.group_id)
    run = await uow.ai_runs.of_group(assignment.group_id)
    if run is None or run.is_finished:
        raise Conflict("Another worker ended the run.")
    if not group.is_settled and not is_held(group, assignment.token):
        raise Conflict("The group is not this worker's any more.")
    agent = await in_charge(uow, await uow.channels.find(group.channel_id))
    is_ours = agent is not None and agent.id == run.agent_id
    if group.is_settled or not is_ours or not may_answer(chat, uow.now):
        run.finish(RunOutcome.SUPERSEDED, at=uow.now)
        if not group.is_settled:
            group.complete(assignment.token, at=uow.now)
            await let_next(uow, group)
        return None
    return _Held(chat, group, run)


async def _say(uow: UnitOfWork, viewer: Viewer, assignment: Assignment, text: str, *, key: str) -> None:
    await messages.send(
        uow,
        viewer,
        chat_id=assignment.chat_id,
        to=None,
        channel_id=None,
        content=TextContent(text=text),
        reply_to_id=None,
        client_message_id=f"ai:{assignment.group_id}:{key}",
        origin=MessageOrigin.AUTOMATION,
    )


async def _close_if_asked(uow: UnitOfWork, viewer: Viewer, held: _Held) -> None:
    """End the session as resolved if the agent asked for it: only now, because an answer would begin another."""
    if not any(
        one.name == "close_session" and one.outcome is ToolOutcome.DONE for one in held.run.tool_calls
    ):
        return
    await uow.session.flush()
    session = await session_of(uow, held.chat, None)
    if session is not None:
        await sessions.close(
            uow, viewer, session_id=session.id, reason=SessionEndReason.RESOLVED, expected_version=None
        )


async def _end(
    uow: UnitOfWork,
    held: _Held,
    assignment: Assignment,
    outcome: RunOutcome,
    *,
    reply_count: int = 0,
    reason: str | None = None,
) -> RunOutcome:
    held.group.complete(assignment.token, at=uow.now)
    held.run.finish(outcome, reply_count=reply_count, reason=reason, at=uow.now)
    await let_next(uow, held.group)
    return outcome


async def _failed(
    uow: UnitOfWork, viewer: Viewer, held: _Held, assignment: Assignment, error: str
) -> RunOutcome:
    count = 0
    if assignment.settings.fallback_message is not None:
        # A channel that cannot send is perhaps why it failed.
        with suppress(DomainError):
            await _say(uow, viewer, assignment, assignment.settings.fallback_message, key="fallback")
            count = 1
    if assignment.settings.can_escalate:
        await call_a_person(uow, held.chat, held.run, EscalationCause.FAILURE, error)
    held.run.finish(RunOutcome.FAILED, reply_count=count, error=error, at=uow.now)
    await let_next(uow, held.group)
    return RunOutcome.FAILED
