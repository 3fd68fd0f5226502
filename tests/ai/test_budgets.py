"""What may be spent: by a contact in runs, by a project in money, of either of which people hear once a day."""

from datetime import timedelta

import pytest

from aisim.testing import Running
from domain.crm.message_group import GroupStatus
from tests.ai.desk import Desk


async def test_a_contact_gets_so_many_answers_a_day(desk: Desk, ai: Running) -> None:
    await desk.configure(contact_runs_per_day=2)
    maria, joana = await desk.meet(), await desk.meet("Joana", phone="+5511999990002")
    await ai.answer("Olá!", count=None)

    for _ in range(4):
        group, token = await desk.burst(maria, "Oi")
        assert await desk.answer(group, token)
        assert (await desk.group(group.id)).status is GroupStatus.COMPLETED
    group, token = await desk.burst(joana, "Oi")
    assert await desk.answer(group, token)

    runs = await desk.rows("SELECT outcome FROM ai_runs ORDER BY started_at, id")
    assert [row["outcome"] for row in runs] == ["REPLIED", "REPLIED", "BUDGET", "BUDGET", "REPLIED"]
    assert len(await ai.requests()) == 3
    assert await desk.events("session.escalated") == ["session.escalated"]
    session = await desk.session(maria)
    assert session.escalation is not None
    assert session.escalation.cause.value == "BUDGET"
    assert (await desk.chat(maria)).automation_resumes_at is None


async def test_another_session_of_the_day_is_not_escalated_again(desk: Desk, ai: Running) -> None:
    await desk.configure(contact_runs_per_day=0)
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi")
    await desk.answer(group, token)
    async with desk.writing() as uow:
        session = await uow.sessions.get_for_update(maria.session_id)
        session.escalation = None
        session.touch(uow.now)
    group, token = await desk.burst(maria, "Oi?")

    await desk.answer(group, token)

    assert await desk.events("session.escalated") == ["session.escalated"]
    assert (await desk.session(maria)).escalation is None


async def test_yesterdays_answers_do_not_count(desk: Desk, ai: Running) -> None:
    await desk.configure(contact_runs_per_day=1)
    maria = await desk.meet()
    await ai.answer("Olá!", count=None)
    group, token = await desk.burst(maria, "Oi")
    await desk.answer(group, token)
    async with desk.writing() as uow:
        run = await uow.ai_runs.of_group(group.id)
        assert run is not None
        run.started_at -= timedelta(days=1)
        run.touch(uow.now)
    group, token = await desk.burst(maria, "Oi")

    await desk.answer(group, token)

    assert await desk.replies() == ["Olá!", "Olá!"]


@pytest.mark.parametrize("whose", ["agent", "project", "installation"])
async def test_money_that_is_spent_is_not_spent_again(desk: Desk, ai: Running, whose: str) -> None:
    if whose == "agent":
        await desk.configure(daily_budget_microusd=1)
    if whose == "project":
        async with desk.writing() as uow:
            project = await uow.projects.get_for_update(desk.shop.project_id)
            project.set_ai_budget(1, at=uow.now)
    more = {"daily_budget_microusd": 1} if whose == "installation" else {}
    maria = await desk.meet()
    await ai.answer("Olá!", count=None)

    for _ in range(2):
        group, token = await desk.burst(maria, "Oi")
        assert await desk.answer(group, token, **more)

    runs = await desk.rows("SELECT outcome FROM ai_runs ORDER BY started_at, id")
    assert [row["outcome"] for row in runs] == ["REPLIED", "BUDGET"]
    assert len(await ai.requests()) == 1


async def test_a_projects_own_budget_goes_before_the_installations(desk: Desk, ai: Running) -> None:
    async with desk.writing() as uow:
        project = await uow.projects.get_for_update(desk.shop.project_id)
        project.set_ai_budget(1_000_000_000, at=uow.now)
    maria = await desk.meet()
    await ai.answer("Olá!")
    group, token = await desk.burst(maria, "Oi")

    assert await desk.answer(group, token, daily_budget_microusd=0)

    assert await desk.replies() == ["Olá!"]
