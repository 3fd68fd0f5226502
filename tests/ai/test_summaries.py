"""Sessions that ended are summed up, once, and anew when they went on; the model's answer is checked."""

import json
from datetime import timedelta
from typing import Any

from aisim.testing import Running
from domain.crm.session import SessionEndReason
from jobs import agent_summaries
from persistence.ai.session_summaries import SUMMARIES_DUE
from tests.ai.desk import PRICES, Desk, Person, conversations
from tests.ai.injections import CORPUS
from tests.factories import CLOCK

GOOD = {
    "summary": "Maria pediu um bolo de cenoura.",
    "sentiment": "POSITIVE",
    "topics": ["bolo"],
    "next_steps": ["Confirmar a entrega."],
}


async def talked(desk: Desk, count: int = 3, **more: Any) -> Person:
    """Somebody whose session ended after so many messages."""
    maria = await desk.meet(**more)
    for number in range(count):
        await desk.said(maria, f"mensagem {number}", ours=number % 2 == 1)
    await end(desk, maria)
    return maria


async def end(desk: Desk, person: Person) -> None:
    async with desk.writing() as uow:
        session = await uow.sessions.get_for_update(person.session_id)
        session.end(SessionEndReason.MANUAL_CLOSE, at=uow.now)


async def summarize(desk: Desk, **more: Any) -> int:
    """Sum up what is due, as the sweep does."""
    wanted = {"chat_model": desk.model, "prices": PRICES} | more
    due = await SUMMARIES_DUE.due(desk.database.system, now=CLOCK.now(), limit=10)
    return sum(
        [await agent_summaries.summarize(desk.database, who, ids, **wanted) for who, ids in due.items()]
    )


async def test_an_ended_session_is_summed_up_once(desk: Desk, ai: Running) -> None:
    maria = await talked(desk)
    await ai.answer(json.dumps(GOOD))

    assert await summarize(desk) == 1
    assert await summarize(desk) == 0

    async with desk.database.reading(desk.shop.tenant_id) as reader:
        found = await reader.session_summaries.find(maria.session_id)
    assert found is not None
    assert found.text == GOOD["summary"]
    assert found.sentiment.value == "POSITIVE"
    assert (found.topics, found.next_steps) == (("bolo",), ("Confirmar a entrega.",))
    assert found.message_count == 3
    assert found.cost_microusd == found.prompt_tokens + 2 * found.completion_tokens
    assert await desk.events("session.summarized") == ["session.summarized"]
    (usage,) = await desk.rows("SELECT purpose, cost_microusd FROM ai_usage")
    assert usage == {"purpose": "SUMMARY", "cost_microusd": found.cost_microusd}
    assert (await ai.requests())[0]["body"]["response_format"]["type"] == "json_schema"  # type: ignore[index]


async def test_short_sessions_and_those_without_an_agent_are_left_alone(desk: Desk, ai: Running) -> None:
    await talked(desk, 2)
    await talked(desk, 3, name="Joana", phone="+5511999990002")
    async with desk.writing() as uow:
        channel = await uow.channels.get_for_update(desk.shop.channel_id)
        channel.configure(agent_id=None, at=uow.now)

    assert await summarize(desk) == 0

    assert await ai.requests() == []
    assert await desk.rows("SELECT id FROM sessions WHERE summary_due_at IS NOT NULL") == []


async def test_a_session_that_went_on_is_summed_up_anew(desk: Desk, ai: Running) -> None:
    maria = await talked(desk)
    await ai.answer(json.dumps(GOOD))
    await summarize(desk)
    async with desk.writing() as uow:
        session = await uow.sessions.get_for_update(maria.session_id)
        session.reopen(at=uow.now)
    assert await summarize(desk) == 0
    await desk.said(maria, "e o troco?")
    await end(desk, maria)
    await ai.answer(json.dumps(GOOD | {"summary": "Faltou o troco.", "sentiment": "NEGATIVE"}))

    assert await summarize(desk) == 1

    rows = await desk.rows("SELECT text, sentiment, message_count FROM session_summaries")
    assert rows == [{"text": "Faltou o troco.", "sentiment": "NEGATIVE", "message_count": 4}]


async def test_a_session_that_goes_on_while_the_model_thinks_is_not_summed_up(
    desk: Desk, ai: Running
) -> None:
    maria = await talked(desk)
    await ai.answer(json.dumps(GOOD))

    class Slow:
        async def complete(self, turns, **more):
            answer = await desk.model.complete(turns, **more)
            async with desk.writing() as uow:
                session = await uow.sessions.get_for_update(maria.session_id)
                session.reopen(at=uow.now)
            return answer

    assert await summarize(desk, chat_model=Slow()) == 0

    assert await desk.rows("SELECT id FROM session_summaries") == []
    (usage,) = await desk.rows("SELECT calls FROM ai_usage")
    assert usage["calls"] == 1


async def test_answers_that_do_not_obey_the_schema_are_asked_for_once_more(desk: Desk, ai: Running) -> None:
    maria = await talked(desk)
    for wrong in ('{"summary": "x"}', json.dumps(GOOD | {"sentiment": "ANGRY"})):
        await ai.answer(wrong)

    assert await summarize(desk) == 0
    assert await summarize(desk) == 0

    assert len(await ai.requests()) == 2
    assert await desk.rows("SELECT id FROM session_summaries") == []
    assert (await desk.session(maria)).summary_due_at is None
    (usage,) = await desk.rows("SELECT calls FROM ai_usage")
    assert usage["calls"] == 2


async def test_a_provider_that_is_away_is_asked_later(desk: Desk, ai: Running) -> None:
    maria = await talked(desk)
    await ai.fault("500")

    assert await summarize(desk) == 0

    due = (await desk.session(maria)).summary_due_at
    assert due is not None
    assert due > CLOCK.now() + timedelta(minutes=9)


async def test_history_is_not_summed_up(desk: Desk, ai: Running) -> None:
    maria = await talked(desk)
    async with desk.writing() as uow:
        session = await uow.sessions.get_for_update(maria.session_id)
        session.ended_at = session.summary_due_at = uow.now - timedelta(days=2)
        session.touch(uow.now)

    assert await summarize(desk) == 0

    assert await ai.requests() == []
    assert (await desk.session(maria)).summary_due_at is None


async def test_without_money_the_summary_waits(desk: Desk, ai: Running) -> None:
    maria = await talked(desk)

    assert await summarize(desk, daily_budget_microusd=0) == 0

    assert await ai.requests() == []
    assert (await desk.session(maria)).summary_due_at is not None


async def test_what_was_said_is_data_for_the_summary_too(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    texts = [text for text in CORPUS if "\x00" not in text][:40]
    for text in texts:
        await desk.said(maria, text)
    await end(desk, maria)
    await desk.configure(input_tokens=60_000)
    await ai.answer(json.dumps(GOOD))

    assert await summarize(desk) == 1

    ((system, user),) = conversations(await ai.requests())
    assert not any(text in system["content"] for text in texts)
    lines = user["content"].split("\n")
    assert [json.loads(line)["text"] for line in lines[1:-1]] == [text.strip() for text in texts]
