"""Runs that nobody ended, because whoever worked on them died and the burst was given up."""

from collections.abc import Sequence

from domain.ai.run import RunOutcome
from domain.crm.escalation import EscalationCause
from domain.crm.message_group import GroupStatus
from domain.identity.permission import Permission
from domain.ids import AiRunId
from persistence.unit_of_work import UnitOfWork
from services.ai.handing_over import call_a_person
from services.viewer import Viewer


async def settle(uow: UnitOfWork, viewer: Viewer, *, run_ids: Sequence[AiRunId]) -> None:
    """End those runs whose burst is settled; people are told of a burst that failed. Look at the others later."""
    viewer.require(Permission.MESSAGES_SEND)
    for run_id in sorted(run_ids):
        found = (await uow.ai_runs.find_many([run_id])).get(run_id)
        group = None if found is None else await uow.message_groups.find(found.group_id)
        if found is None or group is None:
            continue
        chat = await uow.chats.find(group.chat_id)
        agent = await uow.agents.find(found.agent_id)
        failed = group.status is GroupStatus.FAILED
        if (
            failed
            and chat is not None
            and agent is not None
            and agent.ai is not None
            and agent.ai.can_escalate
        ):
            await call_a_person(uow, chat, found, EscalationCause.FAILURE, group.error or "The agent failed.")
        run = await uow.ai_runs.get_for_update(run_id)
        if run.is_finished:
            continue
        if not group.is_settled:
            run.wait(at=uow.now)
        else:
            outcome = RunOutcome.FAILED if failed else RunOutcome.SUPERSEDED
            run.finish(outcome, error=group.error, at=uow.now)
