"""Scheduled messages on real servers: sent once at their time, whoever is late, dies, forgets or changes something."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import event

from domain.crm.grouping import GroupingRules
from domain.crm.scheduled_message import Lateness, LatePolicy
from domain.errors import (
    AlreadyExists,
    ChannelOffline,
    Conflict,
    DomainError,
    Invalid,
    InvalidState,
    NotFound,
    Required,
)
from domain.identity.permission import Permission
from domain.ids import ChannelId, ChatId, MessageId, ScheduledMessageId, TenantId, new_id, type_id
from integrations.redis_feed import Wakes, listening
from integrations.timers import Timers
from jobs import scheduled_messages as jobs
from jobs.timer import run_timer
from persistence.crm.scheduled_messages import SCHEDULED_DUE
from persistence.database import Database
from persistence.due import Alarm
from services.crm import chats, messages
from services.crm import scheduled_messages as service
from tests.bursts import CAUSE, Moment, instant
from tests.factories import Shop, open_shop
from tests.live.events import until
from tests.scheduling import NUMBER, Crossed, Desk, Interrupted, add_scheduled
from tests.waha import MARIA

NOWHERE = "redis://127.0.0.1:9/0"
"""A Redis that refuses."""

SENT, CANCELLED = ("SENT", None), ("CANCELLED", None)
WHOLE = ["message.scheduled", "message.schedule_sent"]


@pytest.fixture
async def desk(database: Database) -> Desk:
    clock = Moment()
    database.clock = clock
    return Desk(database, await open_shop(database), clock)


# -- At its time.


async def test_it_becomes_a_message_of_its_author_at_its_time_and_not_before(desk: Desk) -> None:
    scheduled = await desk.schedule("Bom dia", at=60)
    assert await desk.send(at=59.9) == []
    assert await desk.rows("SELECT count(*) FROM contacts") == [(0,)]

    assert await desk.send(at=60) == [scheduled.id]

    assert await desk.rows(
        "SELECT m.text, m.status, m.origin, m.agent_id, m.client_message_id, m.sent_at, "
        "s.status, s.message_id = m.id, s.chat_id = m.chat_id, s.attempts, s.due_at, s.settled_at "
        "FROM messages m, scheduled_messages s"
    ) == [
        (
            "Bom dia",
            "QUEUED",
            "API",
            desk.shop.agent.id,
            type_id("sch", scheduled.id),
            instant(60),
            "SENT",
            True,
            True,
            1,
            None,
            instant(60),
        )
    ]
    assert await desk.rows("SELECT count(*) FROM outgoing") == [(1,)]
    assert await desk.events() == WHOLE
    assert await desk.send(at=600) == []


async def test_a_number_that_wrote_meanwhile_is_answered_in_its_chat(desk: Desk) -> None:
    await desk.schedule("Bom dia", at=60)
    await desk.say("Oi", at=10)
    await desk.send(at=60)

    assert await desk.rows("SELECT count(*) FROM chats") == [(1,)]
    assert await desk.rows(
        "SELECT text, message_count FROM messages m JOIN sessions s ON s.id = m.session_id"
    ) == [
        ("Oi", 2),
        ("Bom dia", 2),
    ]


async def test_a_number_that_is_known_is_scheduled_into_its_chat(desk: Desk) -> None:
    await desk.say("Oi", at=0)

    scheduled = await desk.schedule("Bom dia", at=60)

    assert (scheduled.chat_id, scheduled.to) == (await desk.chat_id(), NUMBER)


async def test_an_answer_quotes_what_it_answers(desk: Desk) -> None:
    wa_id = await desk.say("Tem pão?", at=0)
    question = MessageId(await desk.value("SELECT id FROM messages"))
    await desk.schedule_in_chat("Agora tem", at=60, reply_to_id=question)
    await desk.send(at=60)

    assert await desk.rows("SELECT reply_to_external_id FROM messages WHERE direction = 'OUTBOUND'") == [
        (wa_id,)
    ]


async def test_a_changed_one_is_sent_at_the_new_time_as_whoever_changed_it(desk: Desk) -> None:
    scheduled = await desk.schedule("Bom dia", at=60)
    rui = replace(desk.shop.viewer, agent_id=None)
    async with desk.database.writing(desk.shop.tenant_id, CAUSE) as uow:
        await service.update(
            uow,
            rui,
            scheduled_message_id=scheduled.id,
            send_at=instant(120),
            content=None,
            expected_version=1,
        )

    assert await desk.send(at=60) == []
    assert await desk.send(at=120) == [scheduled.id]
    assert await desk.rows("SELECT text, agent_id FROM messages") == [("Bom dia", None)]
    assert await desk.events() == ["message.scheduled", "message.schedule_updated", "message.schedule_sent"]


async def test_no_agent_is_silenced_before_it_is_sent(desk: Desk) -> None:
    await desk.configure(grouping=GroupingRules(is_cancelled_by_reply=True), agent_id=desk.shop.agent.id)
    await desk.say("Oi", at=0)
    await desk.schedule_in_chat("Bom dia", at=10)
    assert await desk.groups() == [("PENDING", None, "Oi")]
    assert await desk.rows("SELECT automation_resumes_at FROM chats") == [(None,)]

    await desk.send(at=10)

    assert await desk.groups() == [("CANCELLED", "HUMAN_REPLY", "Oi")]
    assert await desk.rows("SELECT automation_resumes_at FROM chats") == [(instant(10 + 3600),)]


# -- Once.


async def test_timers_that_go_off_together_send_once(desk: Desk) -> None:
    scheduled = await desk.schedule("Só uma vez", at=60)
    desk.clock.go(60)

    done = await asyncio.gather(
        *(jobs.send_one(desk.database, desk.shop.tenant_id, scheduled.id) for _ in range(8))
    )

    assert done.count(True) == 1
    assert (await desk.sent(), await desk.outcomes()) == (["Só uma vez"], [SENT])
    assert await desk.events() == WHOLE


@pytest.mark.parametrize("moment", ["before", "within", "after"])
async def test_a_worker_that_dies_before_within_or_after_its_transaction_sends_once(
    desk: Desk, moment: str
) -> None:
    scheduled = await desk.schedule("Só uma vez", at=60)
    desk.clock.go(60)
    torn = Interrupted(desk.database, moment, error=ConnectionResetError("torn"))
    with pytest.raises(ConnectionResetError):
        await jobs.send_one(torn, desk.shop.tenant_id, scheduled.id)
    assert await desk.sent() == (["Só uma vez"] if moment == "after" else [])

    await desk.send(at=61)

    assert (await desk.sent(), await desk.outcomes()) == (["Só uma vez"], [SENT])
    assert await desk.rows("SELECT attempts FROM scheduled_messages") == [(1,)], "An outage is no attempt."
    assert await desk.events() == WHOLE


async def test_a_message_that_is_there_already_is_taken_for_the_one_it_became(desk: Desk) -> None:
    scheduled = await desk.schedule("Só uma vez", at=60)
    async with desk.database.writing(desk.shop.tenant_id, CAUSE) as uow:
        message = await messages.send(
            uow,
            desk.shop.viewer,
            chat_id=None,
            to=NUMBER,
            channel_id=desk.shop.channel_id,
            content=scheduled.content,
            reply_to_id=None,
            client_message_id=type_id("sch", scheduled.id),
        )
    await desk.send(at=60)

    assert await desk.sent() == ["Só uma vez"]
    assert await desk.rows("SELECT message_id FROM scheduled_messages") == [(message.id,)]


async def test_what_nobody_foresaw_is_tried_again_after_a_pause(desk: Desk) -> None:
    scheduled = await desk.schedule("Bom dia", at=60)
    desk.clock.go(60)
    broken = Interrupted(desk.database, "within", error=ValueError("a row nobody can read"))

    assert await jobs.send_one(broken, desk.shop.tenant_id, scheduled.id)

    assert await desk.rows("SELECT status, attempts, due_at, send_at FROM scheduled_messages") == [
        ("SCHEDULED", 1, instant(61), instant(60))
    ]
    assert await desk.send(at=60.9) == []
    assert await desk.send(at=61) == [scheduled.id]
    assert await desk.outcomes() == [SENT]


async def test_what_never_works_is_given_up(desk: Desk) -> None:
    scheduled = await desk.schedule("Bom dia", at=60)
    for _ in range(10):
        desk.clock.at = await desk.value("SELECT due_at FROM scheduled_messages")
        broken = Interrupted(desk.database, "within", error=ValueError("a row nobody can read"))
        assert await jobs.send_one(broken, desk.shop.tenant_id, scheduled.id)

    assert desk.clock.at == instant(60 + 511)
    assert await desk.outcomes() == [("FAILED", "10 attempts failed, the last with ValueError.")]
    assert await desk.events() == ["message.scheduled", "message.schedule_failed"]


async def test_a_failure_that_cannot_be_noted_leaves_it_due(desk: Desk) -> None:
    scheduled = await desk.schedule("Bom dia", at=60)
    await set_channel(desk, "status = 'ERROR'")
    desk.clock.go(60)
    torn = Interrupted(desk.database, "within", error=ConnectionResetError("torn"), on=2)
    with pytest.raises(ConnectionResetError):
        await jobs.send_one(torn, desk.shop.tenant_id, scheduled.id)
    assert await desk.outcomes() == [("SCHEDULED", None)]

    await desk.send(at=61)

    assert [status for status, _ in await desk.outcomes()] == ["FAILED"]


# -- Changed meanwhile.


async def cancel(desk: Desk, scheduled_message_id: ScheduledMessageId) -> None:
    async with desk.database.writing(desk.shop.tenant_id, CAUSE) as uow:
        await service.cancel(
            uow, desk.shop.viewer, scheduled_message_id=scheduled_message_id, expected_version=None
        )


async def postpone(desk: Desk, scheduled_message_id: ScheduledMessageId) -> None:
    async with desk.database.writing(desk.shop.tenant_id, CAUSE) as uow:
        await service.update(
            uow,
            desk.shop.viewer,
            scheduled_message_id=scheduled_message_id,
            send_at=instant(600),
            content=None,
            expected_version=None,
        )


async def test_one_that_is_cancelled_at_the_last_moment_is_not_sent(desk: Desk) -> None:
    scheduled = await desk.schedule("Não", at=60)
    desk.clock.go(60)
    crossed = Crossed(desk.database, lambda: cancel(desk, scheduled.id))

    await jobs.send_one(crossed, desk.shop.tenant_id, scheduled.id)

    assert (await desk.sent(), await desk.outcomes()) == ([], [CANCELLED])
    assert await desk.rows("SELECT count(*) FROM outgoing") == [(0,)]
    assert await desk.rows("SELECT count(*) FROM contacts") == [(0,)]
    assert await desk.events() == ["message.scheduled", "message.schedule_cancelled"]


async def test_one_that_is_postponed_at_the_last_moment_waits_for_its_new_time(desk: Desk) -> None:
    scheduled = await desk.schedule("Depois", at=60)
    desk.clock.go(60)
    crossed = Crossed(desk.database, lambda: postpone(desk, scheduled.id))

    await jobs.send_one(crossed, desk.shop.tenant_id, scheduled.id)

    assert (await desk.sent(), await desk.outcomes()) == ([], [("SCHEDULED", None)])
    assert await desk.rows("SELECT attempts, due_at FROM scheduled_messages") == [(0, instant(600))]
    await desk.send(at=600)
    assert await desk.sent() == ["Depois"]


async def test_sending_and_cancelling_at_once_have_one_outcome(desk: Desk) -> None:
    for number in range(12):
        scheduled = await desk.schedule(f"{number}", at=60 + 100 * number)
        desk.clock.go(60 + 100 * number)
        sending, cancelling = await asyncio.gather(
            jobs.send_one(desk.database, desk.shop.tenant_id, scheduled.id),
            cancel(desk, scheduled.id),
            return_exceptions=True,
        )
        assert isinstance(sending, bool)
        sent = (await desk.sent()).count(f"{number}")
        outcome = (await desk.outcomes())[-1]
        if cancelling is None:
            assert (sent, outcome) == (0, CANCELLED)
        else:
            assert isinstance(cancelling, InvalidState | Conflict)
            assert (sent, outcome) == (1, SENT)


async def test_it_follows_its_chat_when_two_chats_turn_out_to_be_one(desk: Desk) -> None:
    script = desk.script
    await desk.hear(script.message("A", at=0, tell_both=False), at=0)
    await desk.hear(script.message("B", at=1, address="lid", tell_both=False), at=1)
    ids = [id_ for (id_,) in await desk.rows("SELECT id FROM chats ORDER BY created_at, id")]
    for number, chat_id in enumerate(ids):
        await desk.schedule(f"{number}", at=60 + number, chat_id=chat_id, to=None, channel_id=None)
    assert len(ids) == 2
    await desk.hear(script.message("C", at=2, tell_both=True), at=2)
    ((kept,),) = await desk.rows("SELECT id FROM chats")

    assert await desk.rows("SELECT chat_id FROM scheduled_messages") == [(kept,), (kept,)]
    await desk.send(at=70)
    assert await desk.outcomes() == [SENT, SENT]
    assert await desk.rows("SELECT DISTINCT chat_id FROM messages") == [(kept,)]


# -- Too late.


async def test_what_was_due_while_nobody_worked_is_sent_late(desk: Desk) -> None:
    await desk.schedule("Bom dia", at=60)
    await desk.send(at=60 + 30 * 86_400)

    assert await desk.outcomes() == [SENT]


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (60, SENT),
        (660, SENT),
        (660.001, ("FAILED", "Too late: nobody could send it within 600 seconds of its time.")),
    ],
)
async def test_what_is_to_be_skipped_is_sent_until_it_expires(
    desk: Desk, at: float, outcome: tuple[str, str | None]
) -> None:
    lateness = Lateness(policy=LatePolicy.SKIP, expires_after_seconds=600)
    await desk.schedule("Bom dia", at=60, lateness=lateness)
    await desk.send(at=at)

    assert await desk.outcomes() == [outcome]
    assert len(await desk.sent()) == (outcome == SENT)


# -- What is not allowed any more.


async def set_channel(desk: Desk, change: str) -> None:
    async with desk.database.tenant_transaction(desk.shop.tenant_id) as connection:
        await connection.execute(f"UPDATE channels SET {change}")


async def set_key(desk: Desk, change: str, value: object) -> None:
    async with desk.database.tenant_transaction(desk.shop.tenant_id) as connection:
        await connection.execute(f"UPDATE api_keys SET {change} = $1", value)


async def close_chat(desk: Desk) -> None:
    async with desk.database.writing(desk.shop.tenant_id, CAUSE) as uow:
        await chats.close(uow, desk.shop.viewer, chat_id=await desk.chat_id(), expected_version=None)


async def deactivate(desk: Desk) -> None:
    async with desk.database.writing(desk.shop.tenant_id, CAUSE) as uow:
        (await uow.agents.get_for_update(desk.shop.agent.id)).deactivate(at=uow.now)


async def lose_answered(desk: Desk) -> None:
    async with desk.database.tenant_transaction(desk.shop.tenant_id) as connection:
        await connection.execute("UPDATE messages SET external_id = 'another'")


REASONS = {
    "closed": (close_chat, "The chat is closed; reopen it before writing."),
    "channel removed": (lambda desk: set_channel(desk, "deleted_at = now()"), "The channel is gone."),
    "channel inactive": (
        lambda desk: set_channel(desk, "status = 'INACTIVE'"),
        "The channel 'WhatsApp' is INACTIVE; connect it with channelConnect.",
    ),
    "agent": (deactivate, "The agent who scheduled it was deactivated."),
    "key revoked": (
        lambda desk: set_key(desk, "revoked_at", instant(30)),
        "The API key that it was scheduled with was revoked, or has expired.",
    ),
    "key expired": (
        lambda desk: set_key(desk, "expires_at", instant(60)),
        "The API key that it was scheduled with was revoked, or has expired.",
    ),
    "scope": (
        lambda desk: set_key(desk, "scopes", '["MESSAGES_READ"]'),
        "This needs the permission MESSAGES_SEND, which 'tests' lacks; use a credential that has it.",
    ),
    "answered": (lose_answered, "The message that it answers is gone."),
}


@pytest.mark.parametrize("case", REASONS)
async def test_what_its_author_could_not_send_any_more_fails_with_the_reason(desk: Desk, case: str) -> None:
    prevent, reason = REASONS[case]
    await desk.say("Tem pão?", at=0)
    question = MessageId(await desk.value("SELECT id FROM messages"))
    scheduled = await desk.schedule_in_chat("Agora tem", at=60, reply_to_id=question)
    await prevent(desk)

    assert await desk.send(at=60) == [scheduled.id]

    assert (await desk.outcomes(), await desk.sent()) == ([("FAILED", reason)], [])
    assert await desk.rows("SELECT attempts, due_at, settled_at FROM scheduled_messages") == [
        (1, None, instant(60))
    ]
    assert await desk.events() == ["message.scheduled", "message.schedule_failed"]
    assert await desk.send(at=600) == []


@pytest.mark.parametrize("status", ["DISCONNECTED", "CONNECTING", "ACTIVATING"])
async def test_a_channel_that_is_interrupted_holds_it_as_any_message(desk: Desk, status: str) -> None:
    await desk.schedule("Bom dia", at=60)
    await set_channel(desk, f"status = '{status}'")
    await desk.send(at=60)

    assert await desk.outcomes() == [SENT]
    assert await desk.rows("SELECT status FROM messages") == [("QUEUED",)]


async def test_a_failure_opens_no_chat(desk: Desk) -> None:
    await desk.schedule("Bom dia", at=60)
    await set_channel(desk, "status = 'ERROR'")
    await desk.send(at=60)

    assert [status for status, _ in await desk.outcomes()] == ["FAILED"]
    assert await desk.rows("SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM chats)") == [(0, 0)]
    assert await desk.rows("SELECT count(*) FROM outgoing") == [(0,)]


# -- What is refused at once.


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"to": None, "channel_id": None}, Required),
        ({"channel_id": None}, Required),
        ({"chat_id": ChatId(new_id())}, Invalid),
        ({"chat_id": ChatId(new_id()), "to": None, "channel_id": None}, NotFound),
        ({"channel_id": ChannelId(new_id())}, NotFound),
        ({"reply_to_id": MessageId(new_id())}, NotFound),
    ],
)
async def test_what_could_not_be_sent_now_is_not_scheduled(
    desk: Desk, more: dict[str, object], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        await desk.schedule("Bom dia", at=60, **more)

    assert await desk.outcomes() == []


async def test_neither_closed_chats_nor_channels_that_were_never_connected_take_any(desk: Desk) -> None:
    await desk.say("Oi", at=0)
    await close_chat(desk)
    for schedule in (desk.schedule, desk.schedule_in_chat):
        with pytest.raises(InvalidState):
            await schedule("Bom dia", at=60)
    await set_channel(desk, "status = 'INACTIVE'")
    with pytest.raises(ChannelOffline):
        await desk.schedule("Bom dia", at=60, to=type(NUMBER)("+5511999990009"))

    assert await desk.outcomes() == []


async def test_a_client_message_id_schedules_once(desk: Desk) -> None:
    first, *others = await asyncio.gather(
        *(desk.schedule("Pedido 7", at=60, client_message_id="order-7") for _ in range(8))
    )

    assert {one.id for one in others} == {first.id}
    assert await desk.outcomes() == [("SCHEDULED", None)]
    with pytest.raises(AlreadyExists):
        await desk.schedule("Pedido 8", at=60, client_message_id="order-7")


async def test_a_bot_of_ours_needs_no_key(desk: Desk) -> None:
    bot = replace(desk.shop.viewer, id=new_id(), permissions=frozenset({Permission.MESSAGES_SEND}))
    scheduled = await desk.schedule("Bom dia", at=60, viewer=bot)
    await desk.send(at=60)

    assert scheduled.api_key_id is None
    assert await desk.outcomes() == [SENT]


# -- By timers.


@asynccontextmanager
async def timing(database: Database, redis_url: str | None, *, workers: int = 1) -> AsyncIterator[None]:
    """Run timers as workers do."""
    timers = Timers(redis_url) if redis_url else None

    async def act(tenant_id: TenantId, ids: Sequence[UUID]) -> list[ScheduledMessageId]:
        return await jobs.send_due(database, tenant_id, ids)

    async with listening(redis_url, [SCHEDULED_DUE.name]) as wakes:
        tasks = [
            asyncio.create_task(run_timer(database, SCHEDULED_DUE, act=act, timers=timers, wakes=wakes))
            for _ in range(workers)
        ]
        try:
            yield
        finally:
            for task in tasks:
                assert not task.done(), task
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if timers is not None:
                await timers.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """The Redis of the tests, without timers of earlier ones."""
    client: Redis = Redis.from_url(redis_url)
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def count(database: Database, shop: Shop, what: str) -> int:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {what}")
    return found


async def all_sent(database: Database, shop: Shop, expected: int, *, seconds: float = 20) -> None:
    async def are() -> bool:
        return await count(database, shop, "scheduled_messages WHERE status <> 'SCHEDULED'") == expected

    await until(are, seconds=seconds)
    assert await count(database, shop, "scheduled_messages WHERE status = 'SENT'") == expected
    assert await count(database, shop, "messages") == expected
    assert await count(database, shop, "outgoing") == expected


@pytest.mark.parametrize("where", ["redis", "refusing", "absent"])
async def test_they_are_sent_in_time_with_redis_and_without(
    database: Database, shop: Shop, redis: Redis, redis_url: str, where: str
) -> None:
    async with timing(database, {"redis": redis_url, "refusing": NOWHERE, "absent": None}[where]):
        await add_scheduled(database, shop, 10, wait=timedelta(milliseconds=400))
        await all_sent(database, shop, 10)

    assert await count(database, shop, "scheduled_messages WHERE settled_at < send_at") == 0


async def test_commits_set_timers_and_forgotten_ones_are_set_anew(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    async with timing(database, redis_url), Wakes(redis_url) as wakes:
        database.set_alarms = wakes.set_alarms
        (one,) = await add_scheduled(database, shop, 1, wait=timedelta(hours=1))
        member, soon = shop.tenant_id.hex + one.id.hex, database.clock.now() + timedelta(hours=2)

        async def is_set(at: float) -> bool:
            score = await redis.zscore("due:{scheduled_messages}", member)
            return score is not None and abs(score - at * 1000) < 2

        async with database.writing(shop.tenant_id, CAUSE) as uow:
            await service.update(
                uow,
                shop.viewer,
                scheduled_message_id=one.id,
                send_at=soon,
                content=None,
                expected_version=None,
            )
        await until(lambda: is_set(soon.timestamp()))
        await redis.flushdb()
        await until(lambda: is_set(soon.timestamp()))


async def test_timers_that_go_off_early_late_or_twice_change_nothing(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    (one,) = await add_scheduled(database, shop, 1, wait=timedelta(seconds=1))
    timers = Timers(redis_url)
    async with timing(database, redis_url, workers=2):
        for shift in (-5, 0, 0.1, 3):
            at = one.send_at + timedelta(seconds=shift)
            await timers.set([Alarm(SCHEDULED_DUE.name, shop.tenant_id, one.id, at)])
            await asyncio.sleep(0.1)
        await all_sent(database, shop, 1)
        await timers.set([Alarm(SCHEDULED_DUE.name, shop.tenant_id, one.id, one.send_at)])
        await asyncio.sleep(0.2)
    await timers.close()

    assert await count(database, shop, "messages") == 1
    assert await count(database, shop, "scheduled_messages WHERE settled_at < send_at") == 0


async def test_three_hundred_that_are_due_at_once_are_each_sent_once_and_in_order(
    database: Database, shop: Shop, redis: Redis, redis_url: str
) -> None:
    await add_scheduled(database, shop, 300, wait=timedelta(milliseconds=10), numbers=30)
    async with timing(database, redis_url, workers=2):
        await all_sent(database, shop, 300, seconds=120)

    async with database.tenant_transaction(shop.tenant_id) as connection:
        found = await connection.fetch(
            "SELECT chat_id, array_agg(text::int ORDER BY id) FROM messages GROUP BY 1"
        )
    assert sorted(numbers for _, numbers in found) == [list(range(chat, 300, 30)) for chat in range(30)]


async def test_each_costs_a_fixed_number_of_statements(desk: Desk) -> None:
    await desk.say("Oi", at=0)
    scheduled = [await desk.schedule_in_chat(f"{number}", at=60 + number) for number in range(3)]
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(desk.database.engine.sync_engine, "before_cursor_execute", note)
    counts = []
    for one in scheduled:
        seen.clear()
        desk.clock.at = one.send_at
        assert await jobs.send_one(desk.database, desk.shop.tenant_id, one.id)
        counts.append(len(seen))
        seen.clear()
        assert not await jobs.send_one(desk.database, desk.shop.tenant_id, one.id)
        counts.append(len(seen))
    event.remove(desk.database.engine.sync_engine, "before_cursor_execute", note)

    assert counts == [22, 2] * 3
    assert await desk.rows(f"SELECT count(*) FROM chats WHERE external_id = '{MARIA.phone}@c.us'") == [(1,)]
