"""Workers die between any two steps, and whoever takes the burst over repeats nothing that had an effect."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from aisim.testing import Running
from domain.clock import SystemClock
from domain.crm.message_group import GroupStatus
from jobs import agents
from persistence.ai.runs import RUNS_DUE
from persistence.database import Database
from persistence.events import Cause
from persistence.unit_of_work import UnitOfWork
from tests.ai.desk import PRICES, Desk, call

ROOT = Path(__file__).parents[2]


class Killed(BaseException):
    """The process is no more."""


class Dying(Database):
    """A database whose process dies around one of its transactions: before it, at its commit, or right after."""

    left = 0
    moment = "after"

    @asynccontextmanager
    async def writing(self, tenant_id: UUID, cause: Cause) -> AsyncIterator[UnitOfWork]:
        self.left -= 1
        if self.left == 0 and self.moment == "before":
            raise Killed
        async with super().writing(tenant_id, cause) as uow:
            yield uow
            if self.left == 0 and self.moment == "commit":
                raise Killed
        if self.left == 0:
            raise Killed


@pytest.fixture
async def dying(postgres_url: str) -> AsyncIterator[Dying]:
    async with Dying(postgres_url, clock=SystemClock()) as opened:
        yield opened


# Beginning, first answer, call, call, second answer, ending.
TRANSACTIONS = 6


@pytest.mark.parametrize("moment", ["before", "commit", "after"])
@pytest.mark.parametrize("number", range(1, TRANSACTIONS + 1))
async def test_a_death_between_any_two_steps_doubles_nothing(
    desk: Desk, ai: Running, dying: Dying, number: int, moment: str
) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Sou a Maria Silva, sem glúten")
    calls = [call("remember_fact", fact="Sem glúten."), call("rename_contact", name="Maria Silva")]
    dying.left, dying.moment = number, moment

    async def prepare(step: int) -> None:
        # An answer that died before it was stored is asked for again.
        await ai.post("reset")
        if step == 0:
            await ai.answer(toolCalls=calls)
        await ai.answer("Anotado!", count=None)

    await prepare(0)
    with pytest.raises(Killed):
        await agents.answer(dying, group, token, chat_model=desk.model, prices=PRICES)

    if (await desk.group(group.id)).is_settled:
        assert (number, moment) == (TRANSACTIONS, "after")
    else:
        run = await desk.rows("SELECT step_count FROM ai_runs")
        await prepare(run[0]["step_count"] if run else 0)
        group, token = await desk.take_over(group)
        assert await desk.answer(group, token)

    assert await desk.replies() == ["Anotado!"]
    facts = await desk.rows("SELECT text FROM contact_facts")
    assert facts == [{"text": "Sem glúten."}]
    assert (await desk.contact(maria)).name == "Maria Silva"
    run = await desk.run()
    assert (run["outcome"], run["steps"], run["step_count"]) == ("REPLIED", "[]", 2)
    assert run["tool_calls"].count('"DONE"') == 2
    assert (await desk.group(group.id)).status is GroupStatus.COMPLETED
    (waiting,) = await desk.rows("SELECT count(*) AS n FROM outgoing")
    assert waiting["n"] == 1


async def test_an_answer_that_is_stored_is_not_asked_for_again(desk: Desk, ai: Running, dying: Dying) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")
    await ai.answer("Olá!")
    dying.left, dying.moment = 2, "after"
    with pytest.raises(Killed):
        await agents.answer(dying, group, token, chat_model=desk.model, prices=PRICES)
    group, token = await desk.take_over(group)

    assert await desk.answer(group, token)

    assert len(await ai.requests()) == 1
    assert await desk.replies() == ["Olá!"]


async def test_a_process_that_is_killed_while_the_model_thinks_is_replaced(
    desk: Desk, ai: Running, postgres_url: str
) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Sem glúten, por favor")
    await ai.answer(toolCalls=[call("remember_fact", fact="Sem glúten.")])
    await ai.fault("slow", count=1, seconds=60, containing="Remembered")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.ai.lone_worker",
        postgres_url,
        ai.url,
        str(desk.shop.tenant_id),
        str(group.id),
        str(token),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    while len(await ai.requests()) < 2:
        assert process.returncode is None
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    await process.wait()

    assert await desk.replies() == []
    group, token = await desk.take_over(group)
    await ai.answer("Anotado!")
    assert await desk.answer(group, token)

    assert await desk.replies() == ["Anotado!"]
    assert await desk.rows("SELECT text FROM contact_facts") == [{"text": "Sem glúten."}]
    assert (await desk.run())["step_count"] == 2


async def ended(desk: Desk) -> int:
    """Look at the runs that may have been abandoned, as the sweep does."""
    due = await RUNS_DUE.due(desk.database.system, now=desk.database.clock.now(), limit=10)
    for tenant_id, ids in due.items():
        await agents.end_abandoned(desk.database, tenant_id, ids)
    return sum(map(len, due.values()))


async def test_a_run_whose_burst_was_given_up_is_ended_and_people_are_told(
    desk: Desk, ai: Running, dying: Dying
) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi")
    await ai.answer("Olá!")
    dying.left, dying.moment = 2, "after"
    with pytest.raises(Killed):
        await agents.answer(dying, group, token, chat_model=desk.model, prices=PRICES)
    assert await ended(desk) == 0
    async with desk.writing() as uow:
        run = await uow.ai_runs.of_group(group.id)
        assert run is not None
        run.due_at = uow.now
        run.touch(uow.now)
    assert await ended(desk) == 1
    assert (await desk.run())["outcome"] is None
    async with desk.writing() as uow:
        run = await uow.ai_runs.of_group(group.id)
        assert run is not None
        run.due_at = uow.now
        run.touch(uow.now)
        given_up = await uow.message_groups.get_for_update(group.id)
        given_up.fail(token, error="3 workers died over it.", at=uow.now)

    assert await ended(desk) == 1

    found = await desk.run()
    assert (found["outcome"], found["steps"], found["error"]) == ("FAILED", "[]", "3 workers died over it.")
    session = await desk.session(maria)
    assert session.escalation is not None
    assert session.escalation.cause.value == "FAILURE"
