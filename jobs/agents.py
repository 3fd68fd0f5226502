"""Lets the agent in charge of a channel answer a burst; nothing is said twice, whatever dies in between."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from domain.ai.price import Prices
from domain.ai.replies import replies_of
from domain.ai.run import RunOutcome
from domain.ai.tools import EscalateToHuman, StaySilent
from domain.crm.message_group import MessageGroup
from domain.crm.outgoing import TEXT_LIMIT
from domain.errors import Conflict, DomainError
from domain.ids import AiRunId, TenantId
from integrations.errors import IntegrationError, Unavailable
from jobs.agent_talk import Ending, Lost, Talk
from persistence.database import Database
from persistence.events import Cause
from services.ai import abandoned, endings
from services.ai.assignments import Assignment, Skipped, begin
from services.ports import ChatModel
from services.viewer import system_viewer

log = structlog.get_logger()

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
_CAUSE = Cause(correlation_id="agents", actor="system")


class TryAgain(Exception):
    """Work on the burst has to begin again, from what is stored."""


RUNS = Counter("ventros_ai_runs", "Bursts that an agent worked on, by what came of it.", ["outcome"])
SECONDS = Histogram(
    "ventros_ai_run_seconds",
    "From the beginning of an agent's work on a burst to its end.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180),
)


async def answer(
    database: Database,
    group: MessageGroup,
    token: UUID,
    *,
    chat_model: ChatModel | None,
    prices: Prices,
    daily_budget_microusd: int | None = None,
) -> bool:
    """Answer a burst that was taken with the token and read; return whether it was settled, or given back, here.

    False means that no agent answers. Whoever calls this holds the group meanwhile, and no transaction.
    Raises `Conflict` when the burst was lost to another worker.
    """
    if chat_model is None:
        return False
    cause = Cause(correlation_id=f"message_group:{group.id}", actor="system")
    viewer = system_viewer(tenant_id=TenantId(group.tenant_id))
    async with database.writing(group.tenant_id, cause) as uow:
        begun = await begin(
            uow, viewer, group_id=group.id, token=token, daily_budget_microusd=daily_budget_microusd
        )
    if isinstance(begun, Skipped):
        if begun is Skipped.SETTLED:
            RUNS.labels(RunOutcome.BUDGET.value).inc()
        return begun is Skipped.SETTLED
    cause = Cause(correlation_id=cause.correlation_id, actor=f"agent:{begun.viewer.id}")
    with SECONDS.time():
        outcome = await _work(
            database,
            begun,
            cause,
            group=group,
            talk=Talk(database, begun, cause, chat_model=chat_model, prices=prices),
        )
    RUNS.labels("RETRIED" if outcome is None else outcome.value).inc()
    log.info(
        "agent.done",
        run_id=str(begun.run_id),
        group_id=str(group.id),
        outcome=None if outcome is None else outcome.value,
    )
    return True


async def end_abandoned(database: Database, tenant_id: TenantId, ids: Sequence[UUID]) -> None:
    """End those of a tenant's runs whose burst was settled without them, because workers died over it."""
    viewer = system_viewer(tenant_id=tenant_id)
    async with database.writing(tenant_id, _CAUSE) as uow:
        await abandoned.settle(uow, viewer, run_ids=[AiRunId(one) for one in ids])


async def _work(
    database: Database, assignment: Assignment, cause: Cause, *, group: MessageGroup, talk: Talk
) -> RunOutcome | None:
    """Talk, and end; return what came of it, None when it is tried again later."""
    try:
        ending = await talk.hold()
        return await _end(database, assignment, cause, ending)
    except Lost as loss:
        async with database.writing(group.tenant_id, cause) as uow:
            if await endings.is_superseded(uow, assignment.viewer, assignment=assignment):
                return RunOutcome.SUPERSEDED
        # Two transactions met, and this one lost; what is stored already is not asked for again.
        raise TryAgain from loss
    except Unavailable as problem:
        log.info("agent.unavailable", run_id=str(assignment.run_id), code=problem.code)
        pause = min(_FIRST_PAUSE * 4 ** max(group.attempts - 1, 0), _LONGEST_PAUSE)
        if problem.retry_after is not None:
            pause = min(max(pause, timedelta(seconds=problem.retry_after)), _LONGEST_PAUSE)
        async with database.writing(group.tenant_id, cause) as uow:
            return await endings.retry_later(
                uow,
                assignment.viewer,
                assignment=assignment,
                error=f"The AI provider is not available ({problem.code}).",
                until=uow.now + pause,
            )
    except IntegrationError as problem:
        log.warning("agent.failed", run_id=str(assignment.run_id), code=problem.code)
        error = f"The AI provider did not answer: {problem.reason} ({problem.code})"
    except Conflict:
        raise
    except DomainError as problem:
        # The channel went away, the chat was closed, or the like: no repetition mends that.
        log.warning("agent.refused", run_id=str(assignment.run_id), code=problem.code)
        error = f"The answer could not be sent: {problem.message}"
    async with database.writing(group.tenant_id, cause) as uow:
        return await endings.fail(uow, assignment.viewer, assignment=assignment, error=error)


async def _end(database: Database, assignment: Assignment, cause: Cause, ending: Ending) -> RunOutcome:
    viewer = assignment.viewer
    async with database.writing(viewer.tenant_id, cause) as uow:
        if isinstance(ending, StaySilent):
            return await endings.stay_silent(uow, viewer, assignment=assignment, reason=ending.reason)
        if isinstance(ending, EscalateToHuman):
            return await endings.escalate(uow, viewer, assignment=assignment, reason=ending.reason)
        texts = replies_of(ending.text, most=assignment.settings.max_replies, limit=TEXT_LIMIT)
        return await endings.reply(uow, viewer, assignment=assignment, texts=texts)
