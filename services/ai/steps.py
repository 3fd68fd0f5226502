"""What happens between the beginning and the end of a run: answers are kept, and tools called, once each."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from json import dumps

from domain.ai.chat import Answer, ToolCall
from domain.ai.run import AiRun, RunStep, ToolOutcome, ToolRecord
from domain.ai.usage import AiPurpose
from domain.clock import Clock
from domain.errors import Conflict
from domain.identity.permission import Permission
from persistence import ai_usage
from persistence.unit_of_work import UnitOfWork
from services.ai import tools
from services.ai.assignments import Assignment, is_held
from services.ai.tools import Scope
from services.viewer import Viewer


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Which call is meant: of which answer, and which one in it."""

    step: int
    call: int


async def keep_answer(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    assignment: Assignment,
    answer: Answer,
    is_usable: bool,
    cost: int | None,
    latency_ms: int,
) -> RunStep | None:
    """Count what an answer took, and keep it if it is of use; None when the burst is not this worker's any more."""
    viewer.require(Permission.MESSAGES_SEND)
    run = await _run(uow, assignment)
    run.spend(answer.usage, cost=cost, latency_ms=latency_ms, at=uow.now)
    group = await uow.message_groups.find(assignment.group_id)
    is_ours = group is not None and is_held(group, assignment.token)
    if is_ours and is_usable:
        run.note_answer(answer, at=uow.now)
    await uow.session.flush()
    await ai_usage.spend(
        uow.session,
        tenant_id=run.tenant_id,
        project_id=run.project_id,
        purpose=AiPurpose.AGENT,
        cost_microusd=cost,
        at=uow.now,
    )
    return run.steps[-1] if is_ours and is_usable else None


async def call_tool(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    assignment: Assignment,
    place: Place,
    call: ToolCall,
    mark: str,
    clock: Clock,
) -> str:
    """Call a tool and keep what it returned, with its effect, in one transaction.

    Raises what rules the tool breaks, and `Conflict` when the burst is not this worker's any more: then nothing has
    happened.
    """
    viewer.require(Permission.MESSAGES_SEND)
    began = clock.now()
    chat = await uow.chats.find(assignment.chat_id)
    scope = Scope(
        chat_id=assignment.chat_id,
        # The contact may have turned out to be another one meanwhile.
        contact_id=(chat and chat.contact_id) or assignment.contact_id,
        session_id=assignment.session_id,
        mark=mark,
    )
    outcome, result = await tools.call(
        uow, viewer, scope=scope, settings=assignment.settings, name=call.name, arguments=call.arguments
    )
    record = _record(place, call, outcome, took=clock.now() - began)
    await _note(uow, assignment, place, result, record=record)
    return result


async def refuse_tool(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    assignment: Assignment,
    place: Place,
    call: ToolCall,
    outcome: ToolOutcome,
    result: str,
) -> str:
    """Keep why a call had no effect. Raises `Conflict` when the burst is not this worker's any more."""
    viewer.require(Permission.MESSAGES_SEND)
    record = _record(place, call, outcome, took=timedelta(0))
    await _note(uow, assignment, place, result, record=record)
    return result


async def _note(
    uow: UnitOfWork, assignment: Assignment, place: Place, result: str, *, record: ToolRecord
) -> None:
    group = await uow.message_groups.find(assignment.group_id)
    if group is None or not is_held(group, assignment.token):
        raise Conflict("The group is not this worker's any more.")
    run = await _run(uow, assignment)
    run.note_result(place.call, result, record=record, at=uow.now)


def _record(place: Place, call: ToolCall, outcome: ToolOutcome, *, took: timedelta) -> ToolRecord:
    return ToolRecord(
        step=place.step,
        name=call.name[:64],
        arguments_hash=sha256(dumps(call.arguments, sort_keys=True).encode()).hexdigest(),
        outcome=outcome,
        milliseconds=int(took / timedelta(milliseconds=1)),
    )


async def _run(uow: UnitOfWork, assignment: Assignment) -> AiRun:
    run = await uow.ai_runs.of_group(assignment.group_id)
    if run is None or run.is_finished:
        raise Conflict("Another worker ended the run.")
    return run
