"""An agent answers bursts: replies, silence, handing over, limits, failures, and people who are faster."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from aisim.testing import Running
from domain.ai.chat import Answer
from domain.crm.channel import ChannelStatus
from domain.crm.chat import ChatStatus
from domain.crm.content import Media, VoiceContent
from domain.crm.enrichment import Enrichment, EnrichmentKind, EnrichmentStatus
from domain.crm.escalation import UNTIL_RESUMED
from domain.crm.message_group import GroupCancelReason, GroupStatus, MessageGroup
from domain.errors import Conflict
from domain.ids import MediaId, new_id
from services.ports import ChatModel
from tests.ai.desk import Desk, call, conversations
from tests.graphql.builders import a_message


async def test_an_agent_answers_through_the_door_that_people_use(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi", "tem pão?")
    await ai.answer("Temos sim!\n---\nQuantos?")

    assert await desk.answer(group, token)

    assert await desk.replies() == ["Temos sim!", "Quantos?"]
    (waiting,) = await desk.rows("SELECT count(*) AS n FROM outgoing")
    assert waiting["n"] == 2
    rows = await desk.rows(
        "SELECT client_message_id, agent_id, status FROM messages WHERE origin = 'AUTOMATION' ORDER BY id"
    )
    assert [row["client_message_id"] for row in rows] == [f"ai:{group.id}:0", f"ai:{group.id}:1"]
    assert {row["agent_id"] for row in rows} == {desk.agent_id}
    run = await desk.run()
    assert run["outcome"] == "REPLIED"
    assert run["reply_count"] == 2
    assert run["steps"] == "[]"
    assert run["prompt_tokens"] > 0
    assert run["cost_microusd"] == run["prompt_tokens"] + 2 * run["completion_tokens"]
    assert (await desk.group(group.id)).status is GroupStatus.COMPLETED
    (usage,) = await desk.rows("SELECT purpose, calls, cost_microusd FROM ai_usage")
    assert usage == {"purpose": "AGENT", "calls": 1, "cost_microusd": run["cost_microusd"]}


@dataclass(frozen=True)
class Renamed:
    """A provider whose models answer under names of its own."""

    model: ChatModel

    async def complete(self, *args: Any, **kwargs: Any) -> Answer:
        return replace(await self.model.complete(*args, **kwargs), model="eu.big-7")


async def test_a_model_that_answers_under_another_name_costs_the_same(desk: Desk, ai: Running) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")
    await ai.answer("Bom dia!")

    await desk.answer(group, token, chat_model=Renamed(desk.model))

    run = await desk.run()
    assert run["prompt_tokens"] > 0
    assert run["cost_microusd"] == run["prompt_tokens"] + 2 * run["completion_tokens"]


async def test_the_burst_comes_last_and_the_conversation_before_it(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    await desk.said(maria, "Bom dia", ago=timedelta(minutes=4))
    await desk.said(maria, "Bom dia! Em que posso ajudar?", ours=True, ago=timedelta(minutes=3))
    group, token = await desk.burst(maria, "um bolo", "de cenoura")
    await ai.answer("Certo.")

    await desk.answer(group, token)

    ((system, user),) = conversations(await ai.requests())
    assert (system["role"], user["role"]) == ("system", "user")
    texts = ["Bom dia", "Bom dia! Em que posso ajudar?", "um bolo", "de cenoura"]
    places = [user["content"].index(f'"text":"{text}"') for text in texts]
    assert places == sorted(places)
    assert not any(text in system["content"] for text in texts)


@pytest.mark.parametrize(
    "forbid",
    ["no agent", "inactive", "paused", "closed"],
)
async def test_nobody_answers_where_no_agent_may(desk: Desk, ai: Running, forbid: str) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi")
    async with desk.writing() as uow:
        channel = await uow.channels.get_for_update(desk.shop.channel_id)
        agent = await uow.agents.get_for_update(desk.agent_id)
        chat = await uow.chats.get_for_update(maria.chat_id)
        if forbid == "no agent":
            channel.configure(agent_id=None, at=uow.now)
        elif forbid == "inactive":
            agent.deactivate(at=uow.now)
        elif forbid == "paused":
            chat.pause_automation(uow.now + timedelta(hours=1), at=uow.now)
        else:
            chat.close(at=uow.now)

    assert not await desk.answer(group, token)

    assert await ai.requests() == []
    assert await desk.rows("SELECT * FROM ai_runs") == []
    assert (await desk.group(group.id)).status is GroupStatus.PROCESSING


async def test_without_a_provider_nobody_answers(desk: Desk) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")

    assert not await desk.answer(group, token, chat_model=None)


async def test_an_agent_that_stays_silent_sends_nothing(desk: Desk, ai: Running) -> None:
    group, token = await desk.burst(await desk.meet(), "obrigada!")
    await ai.answer(toolCalls=[call("stay_silent", reason="A mere thank-you.")])

    assert await desk.answer(group, token)

    run = await desk.run()
    assert (run["outcome"], run["reason"]) == ("SILENT", "A mere thank-you.")
    assert await desk.replies() == []
    assert (await desk.group(group.id)).status is GroupStatus.COMPLETED


async def test_an_agent_hands_over_until_a_person_lets_it_answer_again(desk: Desk, ai: Running) -> None:
    await desk.configure(handover_message="Um colega já vem.")
    maria = await desk.meet()
    group, token = await desk.burst(maria, "quero falar com gente")
    await ai.answer("Vou chamar.", toolCalls=[call("escalate_to_human", reason="She asks for a person.")])

    assert await desk.answer(group, token)

    assert await desk.replies() == ["Um colega já vem."]
    session = await desk.session(maria)
    assert session.escalation is not None
    assert session.escalation.reason == "She asks for a person."
    assert (await desk.chat(maria)).automation_resumes_at == UNTIL_RESUMED
    assert (await desk.run())["outcome"] == "ESCALATED"
    assert await desk.events("session.escalated", "chat.automation_paused") == [
        "chat.automation_paused",
        "session.escalated",
    ]
    again, other = await desk.burst(maria, "oi?")
    assert not await desk.answer(again, other)


async def test_an_agent_that_may_not_hand_over_is_told_so(desk: Desk, ai: Running) -> None:
    await desk.configure(can_escalate=False)
    maria = await desk.meet()
    group, token = await desk.burst(maria, "quero falar com gente")
    await ai.answer(toolCalls=[call("escalate_to_human", reason="x")])
    await ai.answer("Eu mesmo ajudo.")

    await desk.answer(group, token)

    assert await desk.replies() == ["Eu mesmo ajudo."]
    assert (await desk.session(maria)).escalation is None
    first = (await ai.requests())[0]["body"]
    assert "escalate_to_human" not in {one["function"]["name"] for one in first["tools"]}


async def test_a_person_who_answers_while_the_model_thinks_is_not_interrupted(
    desk: Desk, ai: Running
) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi")
    await ai.answer("Olá!")

    class Slow:
        """The model, during whose answer a person takes over."""

        async def complete(self, turns, **more):
            answer = await desk.model.complete(turns, **more)
            async with desk.writing() as uow:
                chat = await uow.chats.get_for_update(maria.chat_id)
                chat.pause_automation(uow.now + timedelta(hours=1), at=uow.now)
                found = await uow.message_groups.get_for_update(group.id)
                found.cancel(GroupCancelReason.HUMAN_REPLY, at=uow.now)
            return answer

    assert await desk.answer(group, token, chat_model=Slow())

    assert await desk.replies() == []
    run = await desk.run()
    assert run["outcome"] == "SUPERSEDED"
    assert run["steps"] == "[]"
    assert run["prompt_tokens"] > 0
    assert (await desk.group(group.id)).status is GroupStatus.CANCELLED


async def test_a_chat_that_is_paused_while_the_model_thinks_stays_silent(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi")
    await ai.answer("Olá!")

    class Slow:
        async def complete(self, turns, **more):
            async with desk.writing() as uow:
                chat = await uow.chats.get_for_update(maria.chat_id)
                chat.pause_automation(uow.now + timedelta(hours=1), at=uow.now)
            return await desk.model.complete(turns, **more)

    assert await desk.answer(group, token, chat_model=Slow())

    assert await desk.replies() == []
    assert (await desk.run())["outcome"] == "SUPERSEDED"
    assert (await desk.group(group.id)).status is GroupStatus.COMPLETED


async def test_a_worker_that_lost_the_burst_sends_nothing(desk: Desk, ai: Running) -> None:
    group, _ = await desk.burst(await desk.meet(), "Oi")

    with pytest.raises(Conflict):
        await desk.answer(group, new_id())

    assert await desk.replies() == []
    assert await desk.rows("SELECT * FROM ai_runs") == []


async def test_a_provider_that_is_away_is_asked_again_later(desk: Desk, ai: Running) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")
    await ai.fault("429", seconds=120)

    assert await desk.answer(group, token)

    waiting = await desk.group(group.id)
    assert waiting.status is GroupStatus.PROCESSING
    assert waiting.token is None
    assert waiting.due_at is not None
    assert waiting.due_at - waiting.updated_at >= timedelta(seconds=119)
    run = await desk.run()
    assert run["outcome"] is None
    later, other = await desk.take_over(group)
    await ai.answer("Olá!")
    assert await desk.answer(later, other)
    assert await desk.replies() == ["Olá!"]
    assert (await desk.run())["id"] == run["id"]


async def test_after_the_last_attempt_the_fallback_is_said_and_people_are_told(
    desk: Desk, ai: Running
) -> None:
    await desk.configure(fallback_message="Já respondo!")
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi")
    await ai.fault("500", count=None)
    for _ in range(2):
        assert await desk.answer(group, token)
        group, token = await desk.take_over(group)
    assert await desk.answer(group, token)

    assert await desk.replies() == ["Já respondo!"]
    assert (await desk.run())["outcome"] == "FAILED"
    failed = await desk.group(group.id)
    assert failed.status is GroupStatus.FAILED
    assert failed.text == "Oi"
    session = await desk.session(maria)
    assert session.escalation is not None
    assert session.escalation.cause.value == "FAILURE"
    assert (await desk.chat(maria)).automation_resumes_at is None


@pytest.mark.parametrize("fault", ["bad_json", "wrong_shape", "empty_choices"])
async def test_an_answer_that_nobody_can_read_is_asked_for_once_more(
    desk: Desk, ai: Running, fault: str
) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")
    await ai.fault(fault)  # type: ignore[arg-type] # One of the faults.
    # The fault strikes the first of the two.
    await ai.answer("Olá!", count=2)

    assert await desk.answer(group, token)

    assert await desk.replies() == ["Olá!"]
    assert len(await ai.requests()) == 2


async def test_two_unreadable_answers_are_enough(desk: Desk, ai: Running) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")
    await ai.fault("bad_json", count=2)

    assert await desk.answer(group, token)

    assert await desk.replies() == []
    assert (await desk.run())["outcome"] == "FAILED"
    assert (await desk.group(group.id)).status is GroupStatus.FAILED


async def test_a_channel_that_cannot_send_fails_the_burst_and_says_why(desk: Desk, ai: Running) -> None:
    group, token = await desk.burst(await desk.meet(), "Oi")
    await ai.answer("Olá!")
    async with desk.writing() as uow:
        channel = await uow.channels.get_for_update(desk.shop.channel_id)
        channel.status = ChannelStatus.ERROR
        channel.touch(uow.now)

    assert await desk.answer(group, token)

    run = await desk.run()
    assert run["outcome"] == "FAILED"
    assert "is ERROR" in run["error"]
    assert await desk.replies() == []


async def test_a_burst_that_arrives_meanwhile_waits_and_is_not_told(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    group, token = await desk.burst(maria, "Oi")
    async with desk.writing() as uow:
        channel = await uow.channels.find(desk.shop.channel_id)
        chat = await uow.chats.get_for_update(maria.chat_id)
        late = a_message(uow, desk.shop, chat, "mais uma coisa", external_id="LATE", sent_at=uow.now)
        following = MessageGroup.open(
            tenant_id=desk.shop.tenant_id,
            project_id=desk.shop.project_id,
            channel_id=desk.shop.channel_id,
            chat_id=maria.chat_id,
            contact_id=maria.contact_id,
            session_id=maria.session_id,
            message_id=late.id,
            sent_at=late.sent_at,
            grouping=channel.bursts,
            is_behind=True,
            at=uow.now,
        )
        late.group_id = following.id
        uow.message_groups.add(following)
    await ai.answer("Olá!")

    assert await desk.answer(group, token)

    ((_, user),) = conversations(await ai.requests())
    assert "mais uma coisa" not in user["content"]
    assert (await desk.group(following.id)).status is GroupStatus.PENDING
    assert (await desk.chat(maria)).status is ChatStatus.ACTIVE


async def test_an_earlier_voice_note_is_remembered_by_what_was_heard(desk: Desk, ai: Running) -> None:
    maria = await desk.meet()
    async with desk.writing() as uow:
        chat = await uow.chats.get_for_update(maria.chat_id)
        for number, words in enumerate(("quero um bolo de fubá", None)):
            voice = VoiceContent(media=Media(id=MediaId(new_id()), mime_type="audio/ogg"))
            sent_at = uow.now - timedelta(minutes=4 - number)
            message = a_message(uow, desk.shop, chat, voice, external_id=f"V{number}", sent_at=sent_at)
            enrichment = Enrichment.request(
                tenant_id=desk.shop.tenant_id,
                project_id=desk.shop.project_id,
                chat_id=chat.id,
                message_id=message.id,
                media_id=MediaId(new_id()),
                type_=EnrichmentKind.TRANSCRIPTION,
                priority=1,
                at=uow.now,
            )
            if words is not None:
                enrichment.status, enrichment.text = EnrichmentStatus.COMPLETED, words
            uow.enrichments.add(enrichment)
    group, token = await desk.burst(maria, "pode ser?")
    await ai.answer("Pode!")

    await desk.answer(group, token)

    ((_, user),) = conversations(await ai.requests())
    heard = [line for line in user["content"].split("\n") if '"kind":"VOICE"' in line]
    assert ["quero um bolo de fubá" in line for line in heard] == [True, False]
    assert "[audio]" in heard[1]
