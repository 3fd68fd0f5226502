"""Bursts of messages on real servers: each rule by which they are gathered, closed, worked on and given up."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from domain.ai.agent_settings import AgentSettings
from domain.crm.enrichment import Enrichment, EnrichmentKind
from domain.crm.grouping import GroupingRules
from domain.crm.message_group import GroupStatus, MessageGroup
from domain.errors import InvalidState
from domain.identity.agent import Agent, AgentType
from domain.ids import MediaId, MessageGroupId, TenantId, new_id
from jobs import message_groups
from persistence.crm.message_groups import GROUPS_DUE
from persistence.database import Database
from persistence.due import Alarm
from persistence.events import Cause
from persistence.unit_of_work import UnitOfWork
from services.crm import message_groups as service
from tests.bursts import CAUSE, Counter, Moment, Orders, add_groups, instant, typing
from tests.conversation import GROUP
from tests.factories import open_shop, receive, work_off
from tests.waha import JOAO, Person, Script


class Alarms:
    """What the timers are told."""

    def __init__(self, database: Database) -> None:
        self.told: list[UUID] = []
        database.set_alarms = self._set

    async def _set(self, alarms: Sequence[Alarm]) -> None:
        self.told += [alarm.row_id for alarm in alarms]


class Failing(Database):
    """A database whose n-th transaction for writing fails, after its changes or before."""

    def __init__(self, database: Database, *, on: int, before: bool = False) -> None:
        self.__dict__.update(database.__dict__)
        self._on, self._before, self._count = on, before, 0

    @asynccontextmanager
    async def writing(self, tenant_id: UUID, cause: Cause) -> AsyncIterator[UnitOfWork]:
        self._count += 1
        if self._count == self._on and self._before:
            raise OSError("connection refused")
        async with super().writing(tenant_id, cause) as uow:
            yield uow
            if self._count == self._on:
                raise OSError("connection lost")


def begin(work: Coroutine[object, object, bool]) -> "asyncio.Task[bool]":
    return asyncio.ensure_future(work)


@asynccontextmanager
async def watching(database: Database, seen: list[str]) -> AsyncIterator[None]:
    """Note every statement of the system's pool."""
    connections = [await database.system.acquire() for _ in range(6)]
    listener = lambda record: seen.append(record.query)  # noqa: E731
    for connection in connections:
        connection.add_query_logger(listener)
        await database.system.release(connection)
    yield


@pytest.fixture
async def counter(database: Database) -> Counter:
    clock = Moment()
    database.clock = clock
    return Counter(database, await open_shop(database), clock)


# -- The window.


async def test_a_burst_is_one_group_whose_text_is_all_of_it(counter: Counter) -> None:
    await counter.say("Oi", at=0)
    await counter.say("tudo bem?", at=10)
    assert await counter.windows() == [(25, 60)]

    assert await counter.claim(at=24.9) == []
    assert await counter.work(at=25) == ["Oi tudo bem?"]
    assert await counter.groups() == [("COMPLETED", None, "Oi tudo bem?")]
    await counter.check()


async def test_without_a_window_a_group_is_born_processing_and_due_at_once(counter: Counter) -> None:
    await counter.configure(debounce_timeout_ms=0)
    await counter.say("Oi", at=0)

    assert await counter.groups() == [("PROCESSING", None, "Oi")]
    assert await counter.work() == ["Oi"]


async def test_without_a_window_the_next_message_waits_only_for_the_one_before(counter: Counter) -> None:
    await counter.configure(debounce_timeout_ms=0)
    await counter.say("one", at=0)
    await counter.say("two", at=1)
    await counter.say("three", at=2)

    assert await counter.groups() == [("PROCESSING", None, "one"), ("PENDING", None, "two three")]
    assert await counter.work() == ["one"]
    assert await counter.work() == ["two three"]


async def test_a_new_window_applies_from_the_next_message(counter: Counter) -> None:
    await counter.say("one", at=0)
    await counter.configure(debounce_timeout_ms=40_000)
    assert await counter.windows() == [(15, 60)]
    await counter.say("two", at=1)
    assert await counter.windows() == [(41, 60)]
    await counter.configure(debounce_timeout_ms=1_000)
    await counter.say("three", at=2)
    assert await counter.windows() == [(41, 60)], "It never moves backwards."


async def test_the_longest_duration_ends_a_burst_that_never_pauses(counter: Counter) -> None:
    await counter.configure(debounce_timeout_ms=1_000, grouping=GroupingRules(max_duration_ms=2_500))
    for second in range(3):
        await counter.say(str(second), at=second)
    assert await counter.windows() == [(2.5, 2.5)]
    assert await counter.work(at=2.5) == ["0 1 2"]


async def test_a_full_group_waits_no_longer(counter: Counter) -> None:
    await counter.configure(grouping=GroupingRules(max_messages=2))
    await counter.say("one", at=0)
    await counter.say("two", at=3)
    assert await counter.windows() == [(3, 3)]
    assert await counter.work() == ["one two"]
    await counter.configure(grouping=GroupingRules(max_messages=1))
    await counter.say("three", at=4)
    assert await counter.work() == ["three"]


async def test_typing_extends_a_burst_only_where_the_channel_wants_it(counter: Counter) -> None:
    await counter.say("one", at=0)
    await counter.hear(typing(counter.script, at=10), at=10)
    assert await counter.windows() == [(15, 60)]
    await counter.configure(grouping=GroupingRules(is_extended_by_typing=True))
    await counter.hear(typing(counter.script, by=JOAO, at=11), at=11)
    assert await counter.windows() == [(15, 60)]
    await counter.hear(typing(counter.script, at=12), at=12)
    assert await counter.windows() == [(27, 60)]
    for second in range(20, 70, 10):
        await counter.hear(typing(counter.script, at=second), at=second)
    assert await counter.windows() == [(60, 60)]


# -- The members.


async def test_what_arrives_while_a_group_is_worked_on_opens_the_next_which_waits_for_it(
    counter: Counter,
) -> None:
    await counter.say("one", at=0)
    (first,) = await counter.claim(at=15)
    await counter.say("two", at=16)
    assert await counter.groups() == [("PROCESSING", None, "one"), ("PENDING", None, "two")]

    # The dispatch is taken up, so that nothing but the second is due.
    token = new_id()
    async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
        assert await service.take(uow, counter.shop.viewer, group_id=first.id, token=token)
    assert await counter.claim(at=40) == []
    async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
        await service.complete(uow, counter.shop.viewer, group_id=first.id, token=token)

    assert await counter.work() == ["two"]
    await counter.check()


async def test_an_edit_changes_the_text_that_is_worked_on(counter: Counter) -> None:
    await counter.say("one", at=0)
    wa_id = await counter.say("tow", at=1)
    await counter.hear(counter.script.edit(wa_id, "two", at=2), at=2)
    assert await counter.windows() == [(16, 60)], "An edit is no member."

    assert await counter.work(at=16) == ["one two"]


async def test_the_text_follows_whatsapps_order_not_that_of_arrival(counter: Counter) -> None:
    script = counter.script
    await counter.hear(script.message("B", text="second", at=5), at=5)
    await counter.hear(script.message("A", text="first", at=3), at=6)

    assert await counter.work(at=30) == ["first second"]


async def test_reactions_and_receipts_are_no_members(counter: Counter) -> None:
    wa_id = await counter.say("one", at=0)
    await counter.hear(counter.script.reaction(wa_id, "👍", to_ours=False, at=5), at=5)
    assert await counter.windows() == [(15, 60)]
    assert await counter.value("SELECT jsonb_array_length(message_ids) FROM message_groups") == 1


async def test_a_revoked_message_leaves_its_group_and_an_empty_group_is_cancelled(counter: Counter) -> None:
    first = await counter.say("one", at=0)
    second = await counter.say("two", at=1)
    await counter.hear(counter.script.revoke(first, at=2), at=2)
    assert await counter.groups() == [("PENDING", None, "two")]
    await counter.hear(counter.script.revoke(second, at=3), at=3)

    assert [one[:2] for one in await counter.groups()] == [("CANCELLED", "EMPTY")]
    await counter.say("three", at=4)
    assert await counter.work(at=19) == ["three"]


async def test_a_revocation_that_arrives_before_its_message_leaves_nothing_to_work_on(
    counter: Counter,
) -> None:
    await counter.hear(counter.script.revoke("W00001", at=1), at=1)
    await counter.say("one", at=2)

    assert [status for status, _, _ in await counter.groups()] == ["CANCELLED"]
    assert await counter.claim(at=100) == []


async def test_the_next_group_goes_at_once_when_the_earlier_one_loses_its_last_message(
    counter: Counter,
) -> None:
    alarms = Alarms(counter.database)
    wa_id = await counter.say("one", at=0)
    await counter.claim(at=15)
    await counter.say("two", at=16)
    alarms.told.clear()
    await counter.hear(counter.script.revoke(wa_id, at=50), at=50)

    assert [one for one, _ in await counter.rows("SELECT id, opened_at FROM message_groups ORDER BY 2")][
        1:
    ] == alarms.told
    assert await counter.work() == ["two"]


async def test_redelivered_webhooks_add_nothing(counter: Counter) -> None:
    body = counter.script.message("A", text="one", at=0)
    again = counter.script.message("A", text="one", at=0, event="message")
    await counter.hear(body, again, at=0)
    await counter.hear(body, again, at=10)
    assert await counter.windows() == [(15, 60)]
    await counter.work(at=15)
    await counter.hear(body, counter.script.message("A", text="one", at=0, event="message"), at=20)

    assert await counter.groups() == [("COMPLETED", None, "one")]


async def test_whatsapp_groups_are_grouped_only_where_the_channel_wants_it(counter: Counter) -> None:
    await counter.say("one", at=0, group=GROUP)
    assert await counter.groups() == []
    await counter.configure(grouping=GroupingRules(has_group_chats=True))
    await counter.say("two", at=1, group=GROUP)
    await counter.say("three", at=2, group=GROUP, by=JOAO)

    assert await counter.work(at=17) == ["two three"]


# -- Replies.


async def test_a_reply_from_the_console_cancels_where_the_channel_says_so(counter: Counter) -> None:
    await counter.configure(grouping=GroupingRules(is_cancelled_by_reply=True))
    await counter.say("one", at=0)
    await counter.reply("Bom dia", at=3)

    assert await counter.groups() == [("CANCELLED", "HUMAN_REPLY", "one")]
    assert await counter.value("SELECT automation_resumes_at FROM chats") is None


async def test_a_reply_from_the_console_cancels_though_whatsapps_clock_is_ahead(counter: Counter) -> None:
    await counter.configure(grouping=GroupingRules(is_cancelled_by_reply=True))
    await counter.hear(counter.script.message("A", text="one", at=5), at=0)
    await counter.reply("Bom dia", at=1)

    assert await counter.groups() == [("CANCELLED", "HUMAN_REPLY", "one")]


async def test_replies_cancel_nothing_where_no_agent_answers(counter: Counter) -> None:
    await counter.say("one", at=0)
    await counter.reply("Bom dia", at=3)
    await counter.say("Boa tarde", at=4, from_me=True)

    assert await counter.groups() == [("PENDING", None, "one")]


@pytest.fixture
async def robot(counter: Counter) -> Agent:
    """An AI agent in charge of the channel."""
    async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
        agent = uow.agents.add(
            Agent.create(
                tenant_id=counter.shop.tenant_id,
                project_id=counter.shop.project_id,
                type=AgentType.AI,
                name="Robot",
                email=None,
                ai=AgentSettings(instructions="Be brief."),
                at=uow.now,
            )
        )
    await counter.configure(agent_id=agent.id, takeover_pause_seconds=600)
    return agent


async def test_a_reply_from_the_phone_cancels_and_pauses_the_agent(counter: Counter, robot: Agent) -> None:
    await counter.say("one", at=0)
    await counter.say("Bom dia", at=4, from_me=True)

    assert await counter.groups() == [("CANCELLED", "HUMAN_REPLY", "one")]
    assert await counter.value("SELECT extract(epoch FROM automation_resumes_at) FROM chats") == (
        await counter.value("SELECT extract(epoch FROM sent_at) + 600 FROM messages WHERE text = 'Bom dia'")
    )


async def test_an_agent_may_answer_without_cancelling_its_own_work(counter: Counter, robot: Agent) -> None:
    await counter.say("one", at=0)
    await counter.reply("Sou um robô", at=3, viewer=replace(counter.shop.viewer, agent_id=robot.id))

    assert await counter.groups() == [("PENDING", None, "one")]
    assert await counter.value("SELECT automation_resumes_at FROM chats") is None


async def test_a_channel_may_keep_its_groups_though_people_answer(counter: Counter, robot: Agent) -> None:
    await counter.configure(grouping=GroupingRules(is_cancelled_by_reply=False))
    await counter.say("one", at=0)
    await counter.say("Bom dia", at=4, from_me=True)

    assert await counter.groups() == [("PENDING", None, "one")]


async def test_an_older_reply_from_the_phone_cancels_nothing(counter: Counter, robot: Agent) -> None:
    await counter.hear(counter.script.message("A", text="one", at=10), at=10)
    await counter.hear(counter.script.message("B", text="Bom dia", at=9, from_me=True), at=11)

    assert await counter.groups() == [("PENDING", None, "one")]


async def test_a_notice_of_whatsapp_in_our_name_is_no_reply(counter: Counter, robot: Agent) -> None:
    await counter.say("one", at=0)
    event = json.loads(counter.script.message("N", text="", from_me=True, at=3))
    event["engine"] = event["environment"]["engine"] = "NOWEB"
    event["payload"]["_data"] = {
        "key": {"remoteJid": event["payload"]["from"], "fromMe": True, "id": "N"},
        "messageStubType": "CHANGE_EPHEMERAL_SETTING",
    }
    await counter.hear(json.dumps(event).encode(), at=3)

    assert await counter.value("SELECT count(*) FROM messages WHERE content_kind = 'SYSTEM'") == 1
    assert await counter.groups() == [("PENDING", None, "one")]


async def test_a_reply_stops_the_work_before_it_has_an_effect_and_lets_the_next_go(
    counter: Counter, robot: Agent
) -> None:
    alarms = Alarms(counter.database)
    await counter.say("one", at=0)
    (group,) = await counter.claim(at=15)

    async def answer(_: MessageGroup, __: UUID) -> bool:
        await counter.reply("Eu respondo", at=16)
        await counter.say("two", at=17)
        return False

    assert await message_groups.process(counter.database, counter.shop.tenant_id, group.id, answer=answer)

    assert await counter.groups() == [("CANCELLED", "HUMAN_REPLY", "one"), ("PENDING", None, "two")]
    assert alarms.told[-1:] == [await counter.value("SELECT id FROM message_groups WHERE status = 'PENDING'")]


# -- Two chats that turn out to be one.


async def test_two_pending_groups_become_one(counter: Counter) -> None:
    await counter.say("one", at=0, address="lid")
    await counter.say("two", at=5)
    await counter.say("three", at=8, tell_both=True)

    assert [one for one in await counter.groups() if one[1] is None] == [("PENDING", None, "one two three")]
    assert await counter.work(at=23) == ["one two three"]
    await counter.check()


@pytest.mark.parametrize("first", ["lid", "phone"])
async def test_a_pending_group_waits_for_the_other_chats_that_is_worked_on(
    counter: Counter, first: str
) -> None:
    second = "phone" if first == "lid" else "lid"
    await counter.say("one", at=0, address=first)
    await counter.claim(at=15)
    await counter.say("two", at=16, address=second)
    await counter.say("three", at=17, tell_both=True)

    assert sorted(await counter.groups()) == [("PENDING", None, "two three"), ("PROCESSING", None, "one")]
    assert await counter.work(at=32) == ["one"]
    assert await counter.work() == ["two three"]
    await counter.check()


async def test_of_two_groups_worked_on_one_begins_again_after_the_other(counter: Counter) -> None:
    await counter.say("one", at=0, address="lid")
    await counter.say("two", at=0)
    groups = await counter.claim(at=15)
    taken = {}
    for group in groups:
        taken[group.id] = new_id()
        async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
            assert await service.take(uow, counter.shop.viewer, group_id=group.id, token=taken[group.id])

    await counter.say("three", at=16, tell_both=True)

    rows = await counter.rows("SELECT id, status FROM message_groups ORDER BY status")
    assert [status for _, status in rows] == ["PENDING", "PROCESSING"]
    kept = rows[1][0]
    async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
        await service.complete(uow, counter.shop.viewer, group_id=kept, token=taken[kept])
    done = await counter.work(at=31)
    assert sorted(" ".join([*(str(one) for one in done)]).split()) == (
        sorted({"one", "two", "three"} - {(await counter.group(kept)).text})
    )
    await counter.check()


async def test_a_message_filed_under_both_addresses_is_in_one_group_after_the_merge(counter: Counter) -> None:
    script = counter.script
    await counter.hear(script.message("A", text="one", address="lid"), at=0)
    await counter.hear(script.message("A", text="one"), at=1)
    await counter.hear(script.message("B", text="two", tell_both=True, at=3), at=3)

    ids = "SELECT count(*) FROM message_groups g, jsonb_array_elements_text(message_ids) m WHERE status = 'PENDING'"
    assert await counter.value(ids) == 2
    assert await counter.work(at=18) == ["one two"]
    await counter.check()


# -- Workers.


async def test_groups_are_claimed_once_whoever_asks_and_how_often(counter: Counter) -> None:
    await counter.say("one", at=0)
    id_ = await counter.value("SELECT id FROM message_groups")
    other = Database(counter.database.url, clock=counter.clock)
    async with other:
        assert await claim(counter.database, counter.shop.tenant_id, [id_]) == []
        counter.clock.go(15)
        found = [
            *(await claim(counter.database, counter.shop.tenant_id, [id_])),
            *(await claim(other, counter.shop.tenant_id, [id_])),
        ]
        assert found == [id_]
        counter.clock.go(26)
        assert await claim(other, counter.shop.tenant_id, [id_]) == [id_], "Nobody came back with it."


async def claim(database: Database, tenant_id: TenantId, ids: Sequence[UUID]) -> list[UUID]:
    orders = Orders()
    claimed = await message_groups.claim(database, tenant_id, ids, queue=orders)
    assert claimed == orders.group_ids
    return orders.group_ids


async def test_a_group_is_taken_though_a_lane_holds_it_for_a_moment(counter: Counter) -> None:
    await counter.say("one", at=0)
    (group,) = await counter.claim(at=15)
    working = None
    async with counter.database.tenant_transaction(counter.shop.tenant_id) as connection:
        await connection.execute("SELECT FROM message_groups FOR NO KEY UPDATE")
        working = begin(
            message_groups.process(counter.database, counter.shop.tenant_id, group.id, answer=None)
        )
        while not await counter.database.system.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            if working.done():
                break
    assert await working
    assert (await counter.group(group.id)).status.value == "COMPLETED"


async def test_a_worker_that_died_is_replaced_and_after_three_deaths_the_group_fails(
    counter: Counter,
) -> None:
    await counter.say("one", at=0)
    at = 15.0
    for attempt in (1, 2, 3):
        (group,) = await counter.claim(at=at)
        async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
            taken = await service.take(uow, counter.shop.viewer, group_id=group.id, token=new_id())
        assert taken is not None
        assert taken.attempts == attempt
        assert await counter.claim(at=at + 59) == []
        at += 60
    await counter.say("two", at=180)
    assert await counter.work(at=at) == []

    assert await counter.groups() == [("FAILED", None, "one"), ("PENDING", None, "two")]
    assert await counter.value("SELECT text FROM message_groups WHERE status = 'FAILED'") == "one"
    assert await counter.work(at=at + 20) == ["two"]


async def test_a_failure_is_tried_again_later_and_told_in_the_end(counter: Counter) -> None:
    await counter.say("one", at=0)

    async def answer(_: MessageGroup, __: UUID) -> bool:
        raise RuntimeError("nobody is to read this")

    at = 15.0
    for pause in (2, 4, 60):
        (group,) = await counter.claim(at=at)
        assert await message_groups.process(counter.database, counter.shop.tenant_id, group.id, answer=answer)
        assert await counter.claim(at=at + pause - 0.1) == []
        at += pause

    assert await counter.groups() == [("FAILED", None, "one")]
    assert await counter.value("SELECT error FROM message_groups") == (
        "RuntimeError while the group was worked on."
    )


@pytest.mark.parametrize("step", ["taken", "answered", "completing", "retrying"])
async def test_a_worker_may_die_between_any_two_steps(counter: Counter, step: str) -> None:
    await counter.say("one", at=0)
    (group,) = await counter.claim(at=15)
    failing = Failing(counter.database, on={"taken": 1, "answered": 2, "completing": 2, "retrying": 3}[step])

    async def answer(_: MessageGroup, __: UUID) -> bool:
        if step in {"taken", "retrying"}:
            raise OSError("the model is away")
        return False

    await message_groups.process(failing, counter.shop.tenant_id, group.id, answer=answer)

    at = 15.0
    while await counter.groups() != [("COMPLETED", None, "one")]:
        at += 10
        assert at < 150
        await counter.work(at=at)
    told = "SELECT count(*) FROM outbox WHERE event_type = 'message_group.completed'"
    assert await counter.database.system.fetchval(told) == 1


async def test_an_error_of_the_database_does_not_reach_the_worker(counter: Counter) -> None:
    await counter.say("one", at=0)
    (group,) = await counter.claim(at=15)

    assert not await message_groups.process(
        Failing(counter.database, on=1, before=True), counter.shop.tenant_id, group.id, answer=None
    )

    assert await counter.work(at=26) == ["one"]


async def test_flushed_and_cancelled_groups(counter: Counter) -> None:
    await counter.say("one", at=0)
    group_id = MessageGroupId(await counter.value("SELECT id FROM message_groups"))
    counter.clock.go(5)
    async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
        await service.flush(uow, counter.shop.viewer, group_id=group_id, expected_version=None)
    await counter.say("two", at=6)
    assert await counter.windows() == [(5, 5)], "What comes after a flush does not make it wait again."
    assert await counter.work() == ["one two"]
    async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
        with pytest.raises(InvalidState):
            await service.cancel(uow, counter.shop.viewer, group_id=group_id, expected_version=None)


async def test_a_batch_costs_as_many_statements_for_one_message_as_for_forty(
    counter: Counter, database: Database
) -> None:
    counts = []
    for size in (1, 40, 1, 40):
        script = Script()
        await receive(
            database, counter.shop, [script.message(f"{size}-{script.number}-{n}", at=n) for n in range(size)]
        )
        seen: list[str] = []
        async with watching(database, seen):
            await work_off(database)
        counts.append(len(seen))
    assert counts[2] == counts[3]
    assert await counter.value("SELECT count(*) FROM message_groups") == 1


async def test_blocked_groups_hide_no_others(counter: Counter, database: Database) -> None:
    for number in range(3):
        person = replace(JOAO, phone=f"55119999910{number:02}", lid=f"4000000000000{number:02}")
        await counter.hear(counter.script.message(f"P{number}", text="one", by=person, at=0), at=0)
    assert len(await counter.claim(at=15)) == 3
    for number in range(3):
        person = replace(JOAO, phone=f"55119999910{number:02}", lid=f"4000000000000{number:02}")
        await counter.hear(counter.script.message(f"Q{number}", text="two", by=person, at=16), at=16)
    await counter.say("free", at=17)
    await counter.rows(
        "UPDATE message_groups SET due_at = due_at + interval '1 h' WHERE status = 'PROCESSING'"
    )
    counter.clock.go(40)

    due = await GROUPS_DUE.due(database.system, now=counter.clock.now(), limit=2)

    assert len(due[counter.shop.tenant_id]) == 1
    assert await GROUPS_DUE.next_at(database.system) == (
        await counter.value("SELECT due_at FROM message_groups WHERE opened_at = $1", instant(17))
    )
    assert await counter.work() == ["free"]


async def test_closing_groups_costs_seven_statements_however_many_they_are(
    counter: Counter, database: Database
) -> None:
    for count in (1, 200):
        ids = [one.id for one in await add_groups(database, counter.shop, count, window=timedelta(seconds=1))]
        counter.clock.go(counter.clock.at.timestamp() - instant(0).timestamp() + 2)
        seen: list[str] = []
        async with watching(database, seen):
            assert len(await claim(database, counter.shop.tenant_id, ids)) == count
        # The driver learns about types with statements of its own.
        ours = (one.split() for one in seen if "jit" not in one and "typeinfo" not in one)
        kinds = [one[0].strip(";") for one in ours]
        assert kinds[kinds.index("BEGIN") : kinds.index("COMMIT") + 1] == [
            "BEGIN",
            "SELECT",
            "SELECT",
            "UPDATE",
            "INSERT",
            "SELECT",
            "COMMIT",
        ]


async def test_completing_groups_that_nobody_answers_costs_as_much_for_one_as_for_two_hundred(
    counter: Counter, database: Database
) -> None:
    for count in (1, 200):
        ids = [one.id for one in await add_groups(database, counter.shop, count, window=timedelta(seconds=1))]
        counter.clock.go(counter.clock.at.timestamp() - instant(0).timestamp() + 2)
        await claim(database, counter.shop.tenant_id, ids)
        seen: list[str] = []
        async with watching(database, seen):
            assert await message_groups.process_quiet(database, counter.shop.tenant_id, ids) == []
        ours = (one.split() for one in seen if "jit" not in one and "typeinfo" not in one)
        kinds = [one[0].strip(";") for one in ours]
        assert kinds[kinds.index("BEGIN") : kinds.index("COMMIT") + 1] == [
            "BEGIN",
            *["SELECT"] * 5,
            "UPDATE",
            "INSERT",
            "SELECT",
            "COMMIT",
        ]
    assert await counter.value("SELECT count(*) FROM message_groups WHERE status <> 'COMPLETED'") == 0
    completed = "SELECT count(*) FROM outbox WHERE event_type = 'message_group.completed'"
    assert await database.system.fetchval(completed) == 201


async def test_groups_are_completed_together_as_each_would_be_alone(counter: Counter) -> None:
    pedro = Person(phone="5511999990003", lid="200000000000003")
    await counter.say("Oi", at=0)
    await counter.say("tudo bem?", at=1)
    await counter.say("Olá", at=2, by=JOAO)
    gone = await counter.say("apagada", at=3, by=pedro)
    groups = await counter.claim(at=30)
    await counter.hear(counter.script.revoke(gone, by=pedro, at=31), at=31)
    await counter.say("mais", at=32)

    left = await message_groups.process_quiet(
        counter.database, counter.shop.tenant_id, [group.id for group in groups]
    )

    assert left == []
    assert [
        (status, reason, text)
        for status, reason, text in await counter.rows(
            "SELECT status, cancel_reason, text FROM message_groups ORDER BY opened_at, id"
        )
    ] == [
        ("COMPLETED", None, "Oi tudo bem?"),
        ("COMPLETED", None, "Olá"),
        ("CANCELLED", "EMPTY", None),
        ("PENDING", None, None),
    ]
    assert await counter.work(at=60) == ["mais"]


async def test_a_group_that_an_agent_answers_is_left_to_a_worker_of_its_own(
    counter: Counter, robot: Agent
) -> None:
    await counter.say("Oi", at=0)
    (group,) = await counter.claim(at=30)

    left = await message_groups.process_quiet(counter.database, counter.shop.tenant_id, [group.id])

    assert left == [group.id]
    assert (await counter.group(group.id)).status is GroupStatus.PROCESSING
    assert (await counter.group(group.id)).token is None


async def test_a_group_whose_file_is_still_read_is_left_to_a_worker_of_its_own(counter: Counter) -> None:
    await counter.say("Oi", at=0)
    async with counter.database.writing(counter.shop.tenant_id, CAUSE) as uow:
        (message,) = (
            await uow.messages.find_many([one for (one,) in await counter.rows("SELECT id FROM messages")])
        ).values()
        uow.enrichments.add(
            Enrichment.request(
                tenant_id=message.tenant_id,
                project_id=message.project_id,
                chat_id=message.chat_id,
                message_id=message.id,
                media_id=MediaId(new_id()),
                type_=EnrichmentKind.TRANSCRIPTION,
                priority=10,
                at=uow.now,
            )
        )
    (group,) = await counter.claim(at=30)

    left = await message_groups.process_quiet(counter.database, counter.shop.tenant_id, [group.id])

    assert left == [group.id]
