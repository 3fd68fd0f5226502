"""From the webhook to the answer: lanes group what somebody writes, the agent answers, a reply of ours stops it."""

from aisim.testing import Running
from domain.crm.content import TextContent
from domain.crm.message_group import GroupStatus
from domain.ids import MessageGroupId
from jobs import agents, message_groups
from services.crm import messages
from tests.ai.desk import PRICES, Desk, conversations
from tests.factories import receive, work_off
from tests.graphql.builders import CAUSE
from tests.waha import MARIA, Script


async def written(desk: Desk, *texts: str) -> MessageGroupId:
    """What Maria wrote, gathered in a burst whose window is over."""
    script = Script()
    await receive(
        desk.database,
        desk.shop,
        [script.message(f"W{number}", text=text, by=MARIA, at=number) for number, text in enumerate(texts)],
    )
    await work_off(desk.database)
    async with desk.database.writing(desk.shop.tenant_id, CAUSE) as uow:
        (row,) = await desk.rows("SELECT id FROM message_groups WHERE status = 'PENDING'")
        group = await uow.message_groups.get_for_update(row["id"])
        group.flush(at=uow.now)
        group.begin(at=uow.now)
    return MessageGroupId(row["id"])


async def process(desk: Desk, group_id: MessageGroupId) -> bool:
    async def answer(group, token):
        return await agents.answer(desk.database, group, token, chat_model=desk.model, prices=PRICES)

    return await message_groups.process(desk.database, desk.shop.tenant_id, group_id, answer=answer)


async def test_what_somebody_writes_is_answered_once(desk: Desk, ai: Running) -> None:
    group_id = await written(desk, "Oi", "tem bolo?")
    await ai.answer("Tem de cenoura.")

    assert await process(desk, group_id)
    assert not await process(desk, group_id)

    assert await desk.replies() == ["Tem de cenoura."]
    assert (await desk.group(group_id)).status is GroupStatus.COMPLETED
    ((_, user),) = conversations(await ai.requests())
    assert user["content"].index("Oi") < user["content"].index("tem bolo?")
    assert (await desk.run())["outcome"] == "REPLIED"


async def test_a_persons_answer_while_the_model_thinks_wins(desk: Desk, ai: Running) -> None:
    group_id = await written(desk, "Oi")
    await ai.answer("Olá, sou a atendente virtual.")
    (chat,) = await desk.rows("SELECT id FROM chats")
    model = desk.model

    class Slow:
        """The model, during whose answer Ana answers by the console."""

        async def complete(self, turns, **more):
            async with desk.writing() as uow:
                await messages.send(
                    uow,
                    desk.shop.viewer,
                    chat_id=chat["id"],
                    to=None,
                    channel_id=None,
                    content=TextContent(text="Oi, Maria! Aqui é a Ana."),
                    reply_to_id=None,
                    client_message_id=None,
                )
            return await model.complete(turns, **more)

    desk.model = Slow()
    assert await process(desk, group_id)

    assert await desk.replies() == []
    assert (await desk.group(group_id)).status is GroupStatus.CANCELLED
    assert (await desk.run())["outcome"] == "SUPERSEDED"


async def test_without_an_agent_the_burst_is_merely_completed(desk: Desk, ai: Running) -> None:
    group_id = await written(desk, "Oi")
    async with desk.writing() as uow:
        channel = await uow.channels.get_for_update(desk.shop.channel_id)
        channel.configure(agent_id=None, at=uow.now)

    assert await process(desk, group_id)

    assert (await desk.group(group_id)).status is GroupStatus.COMPLETED
    assert await ai.requests() == []
