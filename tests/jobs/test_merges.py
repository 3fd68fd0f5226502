"""Two contacts that turn out to be one: everything that hangs on them becomes one too, whatever was first."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from domain.crm.content import TextContent
from domain.ids import ChannelId, ContactId
from domain.values import PhoneNumber
from persistence.database import Database
from persistence.events import Cause
from services.crm import contacts, messages
from tests.conversation import GROUP
from tests.factories import Shop, open_shop, receive, work_off
from tests.waha import JOAO, MARIA, OWN, START, Script

CAUSE = Cause(correlation_id="test", actor="test")
LID = f"{MARIA.lid}@lid"
PHONE = f"{MARIA.phone}@c.us"


async def rows(database: Database, shop: Shop, query: str) -> list[tuple[object, ...]]:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def file(database: Database, shop: Shop, bodies: Iterable[bytes]) -> None:
    await receive(database, shop, bodies)
    await work_off(database)


async def contact_named(database: Database, shop: Shop, name: str) -> ContactId:
    async with database.tenant_transaction(shop.tenant_id) as connection:
        return ContactId(await connection.fetchval("SELECT id FROM contacts WHERE name = $1", name))


async def delete_contact(database: Database, shop: Shop, name: str) -> None:
    contact_id = await contact_named(database, shop, name)
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await contacts.delete(uow, shop.viewer, contact_id=contact_id, expected_version=None)


async def open_branch(database: Database, shop: Shop) -> Shop:
    """The same project's second channel."""
    async with database.tenant_transaction(shop.tenant_id) as connection:
        second = await connection.fetchval(
            "INSERT INTO channels SELECT (json_populate_record(c, json_build_object("
            "'id', gen_random_uuid(), 'waha_session', 'second', 'webhook_token', 'second'))).* "
            "FROM channels c RETURNING id"
        )
    return replace(shop, channel_id=ChannelId(second))


def reaction_in_group(script: Script, wa_id: str, emoji: str, *, reactor: str, author: str, at: int) -> bytes:
    return script._event(
        "message.reaction",
        {
            "id": f"false_{GROUP}_R{script.number}{at:06}_{reactor}",
            "timestamp": START + at,
            "from": GROUP,
            "fromMe": False,
            "source": "app",
            "to": None,
            "participant": reactor,
            "reaction": {"text": emoji, "messageId": f"false_{GROUP}_{wa_id}_{author}"},
        },
        at=at,
    )


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


async def test_our_message_survives_when_its_echo_was_filed_under_the_other_address(
    database: Database, shop: Shop
) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1", address="lid")])
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        sent = await messages.send(
            uow,
            shop.viewer,
            chat_id=None,
            to=PhoneNumber("+5511999990001"),
            channel_id=shop.channel_id,
            content=TextContent(text="Pronto"),
            reply_to_id=None,
            client_message_id="order-1",
        )
        sent.begin_sending("BBB1", at=uow.now)
    await file(
        database,
        shop,
        [script.message("BBB1", text="Pronto", address="lid", from_me=True, source="api", at=5)],
    )
    assert await rows(database, shop, "SELECT count(*) FROM messages WHERE external_id = 'BBB1'") == [(2,)]

    await file(database, shop, [script.message("AAA2", tell_both=True, at=9)])

    assert await rows(
        database,
        shop,
        "SELECT id, status, client_message_id, agent_id FROM messages WHERE external_id = 'BBB1'",
    ) == [(sent.id, "SENT", "order-1", shop.agent.id)]
    assert await rows(database, shop, "SELECT count(*) FROM chats") == [(1,)]
    assert await rows(database, shop, "SELECT count(*) FROM inbox_events") == [(0,)]


@pytest.mark.parametrize("reacted_at", [20, 60])
@pytest.mark.parametrize("known_first", ["phone", "lid"])
async def test_a_group_message_filed_under_both_addresses_becomes_one_with_its_reactions(
    database: Database, shop: Shop, known_first: str, reacted_at: int
) -> None:
    script = Script()
    await file(database, shop, [script.message("GGG0", group=GROUP, address=known_first, at=2)])
    await file(database, shop, [script.message("GGG1", group=GROUP, address="lid")])
    await file(database, shop, [script.message("GGG1", group=GROUP)])
    await file(
        database,
        shop,
        [
            reaction_in_group(script, "GGG1", "👍", reactor=LID, author=PHONE, at=reacted_at),
            reaction_in_group(script, "GGG1", "❤️", reactor=PHONE, author=LID, at=40),
        ],
    )

    await file(database, shop, [script.message("AAA1", tell_both=True, at=90)])

    newest = "❤️" if reacted_at == 20 else "👍"
    assert await rows(
        database,
        shop,
        "SELECT m.external_id, c.name, (SELECT string_agg(r->>'emoji', ' ') FROM jsonb_array_elements(reactions) r), "
        "(SELECT bool_and(r->>'contact_id' = c.id::text) FROM jsonb_array_elements(reactions) r) "
        "FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.external_id LIKE 'GGG%' ORDER BY 1",
    ) == [("GGG0", "Maria Teste", None, None), ("GGG1", "Maria Teste", newest, True)]
    assert await rows(database, shop, "SELECT count(*) FROM inbox_events") == [(0,)]


async def test_reactions_of_somebody_who_never_wrote_in_the_group_follow_the_merge(
    database: Database, shop: Shop
) -> None:
    script = Script()
    joao = f"{JOAO.phone}@c.us"
    await file(database, shop, [script.message("GGG1", group=GROUP, by=JOAO)])
    await file(database, shop, [reaction_in_group(script, "GGG1", "👍", reactor=LID, author=joao, at=10)])
    await file(database, shop, [reaction_in_group(script, "GGG1", "❤️", reactor=PHONE, author=joao, at=20)])

    await file(database, shop, [script.message("AAA1", tell_both=True, at=90)])

    assert await rows(
        database,
        shop,
        "SELECT r->>'emoji', c.merged_into_id FROM messages m, jsonb_array_elements(m.reactions) r "
        "JOIN contacts c ON c.id::text = r->>'contact_id'",
    ) == [("❤️", None)]


async def test_a_contact_without_a_name_is_called_by_its_number_after_a_merge(
    database: Database, shop: Shop
) -> None:
    script = Script()
    await file(database, shop, [script.message("BBB2", address="lid", from_me=True, at=60)])
    await file(database, shop, [script.message("BBB1", from_me=True, at=0)])

    await file(database, shop, [script.message("BBB3", from_me=True, tell_both=True, at=30)])

    assert await rows(database, shop, "SELECT name, phone FROM contacts WHERE merged_into_id IS NULL") == [
        ("+5511999990001", "+5511999990001")
    ]


async def test_a_deleted_contact_comes_back_when_it_turns_out_to_be_one_that_is_shown(
    database: Database, shop: Shop
) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1", address="lid")])
    await delete_contact(database, shop, "Maria Teste")
    await file(database, shop, [script.message("AAA2", at=5)])

    # A repetition of a known message, which by itself brings nobody back.
    await file(database, shop, [script.message("AAA2", at=5, tell_both=True)])

    assert await rows(
        database, shop, "SELECT count(*), count(deleted_at) FROM contacts WHERE merged_into_id IS NULL"
    ) == [(1, 0)]


async def test_a_deleted_contact_whose_external_id_was_given_away_can_write_again(
    database: Database, shop: Shop
) -> None:
    script = Script()
    await file(database, shop, [script.message("AAA1")])
    maria = await contact_named(database, shop, "Maria Teste")
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await contacts.update(uow, shop.viewer, contact_id=maria, expected_version=None, external_id="crm-7")
    await delete_contact(database, shop, "Maria Teste")
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        await contacts.create(uow, shop.viewer, name="Outra", phone=None, external_id="crm-7")

    await file(database, shop, [script.message("AAA2", at=60)])

    assert await rows(
        database, shop, "SELECT name, external_id FROM contacts WHERE deleted_at IS NULL ORDER BY 1"
    ) == [("Maria Teste", None), ("Outra", "crm-7")]


async def test_a_merge_moves_the_chats_and_sessions_of_every_channel(database: Database, shop: Shop) -> None:
    script = Script()
    other = await open_shop(database, name="Outra", waha_session="outra")
    branch = await open_branch(database, shop)
    await file(database, shop, [script.message("AAA1", address="lid"), script.message("AAA2", at=5)])
    await file(database, branch, [script.message("CCC1", address="lid"), script.message("CCC2", at=5)])
    await file(database, other, [script.message("AAA1", address="lid"), script.message("AAA2", at=5)])

    await file(database, shop, [script.message("AAA3", tell_both=True, at=9)])

    counts = (
        "SELECT (SELECT count(*) FROM chats), (SELECT array_agg(message_count ORDER BY message_count) FROM sessions), "
        "(SELECT count(*) FROM contacts WHERE merged_into_id IS NULL)"
    )
    assert await rows(database, shop, counts) == [(2, [2, 3], 1)]
    assert await rows(database, other, counts) == [(2, [1, 1], 2)]


async def test_a_fact_about_another_channel_is_settled_by_a_tie_found_here(
    database: Database, shop: Shop
) -> None:
    script = Script()
    branch = await open_branch(database, shop)
    await file(database, branch, [script.message("CCC1", text="Bom dia", address="lid")])
    await file(database, branch, [script.edit("CCC1", "Boa tarde", at=9)])
    assert await rows(database, shop, "SELECT text FROM messages") == [("Bom dia",)]

    await file(database, shop, [script.message("AAA1", tell_both=True, at=20)])

    assert await rows(database, shop, "SELECT text FROM messages WHERE external_id = 'CCC1'") == [
        ("Boa tarde",)
    ]
    assert await rows(database, shop, "SELECT count(*) FROM early_facts") == [(0,)]


async def test_our_own_number_is_nobodys_contact(database: Database, shop: Shop) -> None:
    await file(database, shop, [Script().message("BBB1", from_me=True, group=GROUP)])

    assert await rows(database, shop, f"SELECT count(*) FROM contacts WHERE phone = '+{OWN}'") == [(0,)]
