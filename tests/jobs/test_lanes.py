"""Filing webhooks: every row of the table of edge cases, on a real database."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from domain.crm.channel import ChannelStatus
from persistence.database import Database
from tests.conversation import GROUP, conversation, picture
from tests.factories import Shop, end_overdue_sessions, open_shop, receive, work_off
from tests.waha import JOAO, MARIA, START, Person, Script


async def rows(database: Database, shop: Shop, query: str) -> list[tuple[object, ...]]:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def file(database: Database, shop: Shop, bodies: Iterable[bytes]) -> None:
    await receive(database, shop, bodies)
    await work_off(database)


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def test_a_message_is_filed_under_contact_chat_and_session(database: Database, shop: Shop) -> None:
    await file(database, shop, [Script().message("AAA1", text="Bom dia", tell_both=True)])

    sent_at = datetime.fromtimestamp(START, UTC)
    assert await rows(
        database, shop, "SELECT name, phone, name_source, last_interaction_at FROM contacts"
    ) == [("Maria Teste", "+5511999990001", "PUSH_NAME", sent_at)]
    assert await rows(database, shop, "SELECT kind, value FROM contact_identities ORDER BY kind") == [
        ("LID", "200000000000001@lid"),
        ("PHONE", "+5511999990001"),
    ]
    assert await rows(database, shop, "SELECT type, external_id, status, last_message_at FROM chats") == [
        ("INDIVIDUAL", "5511999990001@c.us", "ACTIVE", sent_at)
    ]
    assert await rows(
        database, shop, "SELECT status, message_count, contact_message_count, timeout_seconds FROM sessions"
    ) == [("ACTIVE", 1, 1, 1800)]
    assert await rows(database, shop, "SELECT text, direction, origin, status, sent_at FROM messages") == [
        ("Bom dia", "INBOUND", "LIVE", "RECEIVED", sent_at)
    ]


async def test_a_repeated_webhook_adds_no_second_message(database: Database, shop: Shop) -> None:
    body = Script().message("AAA1")

    assert await receive(database, shop, [body]) == 1
    assert await receive(database, shop, [body]) == 0
    await work_off(database)
    assert await receive(database, shop, [body]) == 0
    await work_off(database)

    assert await rows(database, shop, "SELECT count(*) FROM messages") == [(1,)]


async def test_message_and_message_any_are_one_message(database: Database, shop: Shop) -> None:
    script = Script()

    await file(database, shop, [script.message("AAA1", event="message"), script.message("AAA1")])

    assert await rows(database, shop, "SELECT message_count FROM sessions") == [(1,)]
    assert await rows(
        database, shop, "SELECT outcome, count(*) FROM inbox_archive GROUP BY 1 ORDER BY 1"
    ) == [("FILED", 1), ("REPEATED", 1)]


async def test_the_phone_and_lid_forms_of_a_message_are_one_message(database: Database, shop: Shop) -> None:
    script = Script()

    await file(database, shop, [script.message("AAA1", tell_both=True)])
    await file(database, shop, [script.message("AAA1", address="lid")])

    assert await rows(database, shop, "SELECT count(*) FROM messages") == [(1,)]
    assert await rows(database, shop, "SELECT count(*) FROM chats") == [(1,)]


async def test_a_lid_is_never_taken_for_a_phone_number(database: Database, shop: Shop) -> None:
    await file(database, shop, [Script().message("AAA1", address="lid")])

    assert await rows(database, shop, "SELECT phone, name FROM contacts") == [(None, "Maria Teste")]
    assert await rows(database, shop, "SELECT kind, value FROM contact_identities") == [
        ("LID", "200000000000001@lid")
    ]


async def test_two_contacts_that_turn_out_to_be_one_are_joined(database: Database, shop: Shop) -> None:
    script = Script()
    await file(
        database,
        shop,
        [
            script.message("AAA1", address="lid", at=0),
            script.message("AAA2", at=60),
            script.message("AAA3", by=JOAO, at=90),
        ],
    )
    assert await rows(database, shop, "SELECT count(*) FROM chats") == [(3,)]

    await file(database, shop, [script.message("AAA4", tell_both=True, at=120)])

    assert await rows(database, shop, "SELECT external_id FROM chats ORDER BY 1") == [
        ("5511999990001@c.us",),
        ("5511999990002@c.us",),
    ]
    assert await rows(
        database,
        shop,
        "SELECT message_count FROM sessions ORDER BY message_count DESC",
    ) == [(3,), (1,)]
    assert await rows(
        database,
        shop,
        "SELECT count(*) FROM messages m JOIN chats c ON c.id = m.chat_id WHERE c.external_id LIKE '5511999990001%'",
    ) == [(3,)]
    assert await rows(
        database, shop, "SELECT count(*) FROM contacts WHERE merged_into_id IS NULL AND deleted_at IS NULL"
    ) == [(2,)]


async def test_facts_wait_for_their_message(database: Database, shop: Shop) -> None:
    script = Script()
    await file(
        database,
        shop,
        [
            script.ack("BBB1", 3, at=30),
            script.ack("BBB1", 2, at=20),
            script.reaction("BBB1", "👍", at=40),
            script.edit("AAA1", "Boa tarde", at=50),
            script.revoke("AAA2", at=60),
        ],
    )
    assert await rows(database, shop, "SELECT count(*) FROM early_facts") == [(5,)]

    await file(
        database,
        shop,
        [
            script.message("BBB1", from_me=True, at=10),
            script.message("AAA1", text="Bom dia", at=11),
            script.message("AAA2", at=12),
        ],
    )

    assert await rows(database, shop, "SELECT count(*) FROM early_facts") == [(0,)]
    moment = "extract(epoch FROM {0})::int - " + str(START)
    assert await rows(
        database,
        shop,
        f"SELECT external_id, status, text, {moment.format('delivered_at')}, {moment.format('read_at')}, "
        f"{moment.format('edited_at')}, {moment.format('revoked_at')}, reactions->0->>'emoji' "
        "FROM messages ORDER BY external_id",
    ) == [
        ("AAA1", "RECEIVED", "Boa tarde", None, None, 50, None, None),
        ("AAA2", "RECEIVED", "Oi", None, None, None, 60, None),
        ("BBB1", "READ", "Oi", 20, 30, None, None, "👍"),
    ]


async def test_only_the_author_may_edit_or_delete_in_an_individual_chat(
    database: Database, shop: Shop
) -> None:
    script = Script()

    await file(
        database,
        shop,
        [
            script.message("BBB1", text="Nosso texto", from_me=True),
            script.edit("BBB1", "Forjado", at=10),
            script.revoke("BBB1", at=11),
        ],
    )

    assert await rows(database, shop, "SELECT text, revoked_at FROM messages") == [("Nosso texto", None)]


async def test_an_ack_never_lowers_the_status(database: Database, shop: Shop) -> None:
    script = Script()

    await file(database, shop, [script.message("BBB1", from_me=True), script.ack("BBB1", 3, at=30)])
    await file(database, shop, [script.ack("BBB1", 2, at=20), script.ack("BBB1", -1, at=40)])

    assert await rows(database, shop, "SELECT status, failure_reason FROM messages") == [("READ", None)]


async def test_a_failed_message_is_repaired_by_a_later_ack(database: Database, shop: Shop) -> None:
    script = Script()
    first = script.message("BBB1", from_me=True, ack=0)
    await file(database, shop, [first])

    await file(database, shop, [script.ack("BBB1", 2, at=20)])

    assert await rows(database, shop, "SELECT status, failed_at FROM messages") == [("DELIVERED", None)]


async def test_a_reply_typed_on_the_phone_is_ours(database: Database, shop: Shop) -> None:
    await file(database, shop, [Script().message("BBB1", text="Já vai", from_me=True)])

    assert await rows(database, shop, "SELECT direction, origin, status, agent_id, text FROM messages") == [
        ("OUTBOUND", "PHONE", "SENT", None, "Já vai")
    ]
    assert await rows(database, shop, "SELECT message_count, contact_message_count FROM sessions") == [(1, 0)]
    assert await rows(database, shop, "SELECT name FROM contacts") == [("+5511999990001",)]


async def test_silence_separates_sessions_whatever_the_order(database: Database, shop: Shop) -> None:
    script = Script()
    early, middle, late = (script.message(f"AAA{n}", at=at) for n, at in enumerate((0, 1500, 3000)))

    await file(database, shop, [late])
    await file(database, shop, [early])
    assert await rows(database, shop, "SELECT status, message_count FROM sessions ORDER BY started_at") == [
        ("ENDED", 1),
        ("ACTIVE", 1),
    ]
    await file(database, shop, [middle])

    assert await rows(
        database,
        shop,
        f"SELECT status, message_count, extract(epoch FROM started_at)::int - {START}, "
        f"extract(epoch FROM last_activity_at)::int - {START} FROM sessions",
    ) == [("ACTIVE", 3, 0, 3000)]
    assert await rows(database, shop, "SELECT count(DISTINCT session_id) FROM messages") == [(1,)]


async def test_a_message_after_the_timeout_begins_a_new_session(database: Database, shop: Shop) -> None:
    script = Script()

    await file(database, shop, [script.message("AAA1", at=0), script.message("AAA2", at=1801)])

    assert await rows(
        database,
        shop,
        f"SELECT status, end_reason, extract(epoch FROM ended_at)::int - {START} FROM sessions ORDER BY started_at",
    ) == [("ENDED", "INACTIVITY_TIMEOUT", 0), ("ACTIVE", None, None)]


async def test_sessions_end_by_silence_at_their_last_activity(database: Database, shop: Shop) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1"), script.message("AAA2", by=JOAO, at=60)])

    assert await end_overdue_sessions(database) == 2

    assert await rows(
        database,
        shop,
        f"SELECT status, extract(epoch FROM ended_at)::int - {START} FROM sessions ORDER BY started_at",
    ) == [("ENDED", 0), ("ENDED", 60)]
    assert await end_overdue_sessions(database) == 0


async def test_a_group_has_participants_and_no_sessions(database: Database, shop: Shop) -> None:
    script = Script()

    await file(
        database,
        shop,
        [
            script.message("AAA1", group=GROUP),
            script.message("AAA2", group=GROUP, by=JOAO, at=5),
            script.message("AAA3", group=GROUP, at=9),
            script.message("BBB1", group=GROUP, from_me=True, at=12),
        ],
    )

    assert await rows(database, shop, "SELECT type, contact_id FROM chats") == [("GROUP", None)]
    assert await rows(
        database,
        shop,
        "SELECT c.name FROM chat_participants p JOIN contacts c ON c.id = p.contact_id ORDER BY 1",
    ) == [("João Exemplo",), ("Maria Teste",)]
    assert await rows(database, shop, "SELECT count(*) FROM sessions") == [(0,)]
    assert await rows(
        database, shop, "SELECT direction, contact_id IS NULL FROM messages ORDER BY sent_at"
    ) == [
        ("INBOUND", False),
        ("INBOUND", False),
        ("INBOUND", False),
        ("OUTBOUND", True),
    ]


async def test_a_channel_without_groups_parks_their_messages(database: Database) -> None:
    shop = await open_shop(database, allow_groups=False)

    await file(database, shop, [Script().message("AAA1", group=GROUP)])

    assert await rows(database, shop, "SELECT count(*) FROM chats") == [(0,)]
    assert await rows(database, shop, "SELECT outcome FROM inbox_archive") == [("PARKED",)]


async def test_a_newer_push_name_wins_and_a_manual_name_stays(database: Database, shop: Shop) -> None:
    script = Script()
    renamed = Person(name="Maria Nova")

    await file(database, shop, [script.message("AAA2", by=renamed, at=60)])
    await file(database, shop, [script.message("AAA1", by=MARIA, at=0)])

    assert await rows(database, shop, "SELECT name FROM contacts") == [("Maria Nova",)]


async def test_an_archived_chat_comes_back_when_the_other_side_writes(database: Database, shop: Shop) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1")])
    async with database.tenant_transaction(shop.tenant_id) as connection:
        await connection.execute("UPDATE chats SET status = 'ARCHIVED'")

    await file(database, shop, [script.message("AAA2", at=60)])

    assert await rows(database, shop, "SELECT status FROM chats") == [("ACTIVE",)]


async def test_a_channel_follows_the_newest_report_of_its_session(database: Database, shop: Shop) -> None:
    script = Script()

    await file(database, shop, [script.status("WORKING", at=60)])
    await file(database, shop, [script.status("STARTING", at=30)])
    assert await rows(database, shop, "SELECT status, engine, phone FROM channels") == [
        (ChannelStatus.ACTIVE.value, "GOWS", "+5511999990000")
    ]

    await file(database, shop, [script.status("FAILED", at=90)])
    assert await rows(database, shop, "SELECT status FROM channels") == [(ChannelStatus.ERROR.value,)]


async def test_brazils_ninth_digit_makes_no_second_contact(database: Database, shop: Shop) -> None:
    script = Script()
    old = Person(phone="551199990001", lid="200000000000001")

    await file(database, shop, [script.message("AAA1"), script.message("AAA2", by=old, at=5)])

    assert await rows(database, shop, "SELECT count(*) FROM contacts") == [(1,)]


async def test_an_unknown_event_is_archived_and_changes_nothing(database: Database, shop: Shop) -> None:
    body = Script()._event("call.received", {"id": "x", "from": "5511999990001@c.us"}, at=0)

    await file(database, shop, [body])

    assert await rows(database, shop, "SELECT kind, outcome, body FROM inbox_archive") == [
        ("call.received", "IGNORED", body)
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_repetition_ends_in_the_same_picture(database: Database, seed: int) -> None:
    events = conversation()
    clean, messy = await open_shop(database), await open_shop(database)
    await file(database, clean, events)
    await end_overdue_sessions(database)

    dice = random.Random(seed)
    deliveries = events * 3
    dice.shuffle(deliveries)
    while deliveries:
        size = dice.randint(1, 40)
        some, deliveries = deliveries[:size], deliveries[size:]
        await file(database, messy, some)
    await end_overdue_sessions(database)

    assert await picture(database, messy) == await picture(database, clean)
