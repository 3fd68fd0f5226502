"""What lists can be filtered and searched by."""

from datetime import timedelta
from typing import Any

import pytest

from domain.ids import ContactId, new_id
from persistence.database import Database
from resolvers.ids import public
from tests.factories import NOON, Shop
from tests.graphql.asking import Api
from tests.graphql.builders import CAUSE, a_chat, a_contact, a_message, an_inbox

CONTACTS = """
query ($where: ContactWhere, $search: String) {
  contacts(where: $where, search: $search, orderBy: [{field: NAME}]) { nodes { name } totalCount }
}
"""


@pytest.fixture
async def people(database: Database, shop: Shop) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        for name, phone, tags, email in (
            ("Ana", "+5511988880001", ("vip", "new"), "ana@example.org"),
            ("Bruno", "+551188880002", ("vip",), None),
            ("João", None, (), "joao@example.org"),
            ("Zé 100%_", "+4930123456", ("old",), None),
        ):
            contact = a_contact(uow, shop, name, phone)
            contact.set_details(
                at=uow.now,
                email=email,
                external_id=None,
                language=None,
                timezone=None,
                tags=tags,
                custom_fields=(),
            )
            if name == "Ana":
                contact.interact(NOON, at=uow.now)


async def names(api: Api, where: dict[str, Any] | None = None, search: str | None = None) -> list[str]:
    found = (await api.get(CONTACTS, where=where, search=search))["contacts"]
    shown = [node["name"] for node in found["nodes"]]
    assert found["totalCount"] == len(shown)
    return shown


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, ["Ana", "Bruno", "João", "Zé 100%_"]),
        ({"name": {}}, ["Ana", "Bruno", "João", "Zé 100%_"]),
        ({"name": {"eq": "Ana"}}, ["Ana"]),
        ({"name": {"eq": "ana"}}, []),
        ({"name": {"contains": "joao"}}, ["João"]),
        ({"name": {"startsWith": "ZE 100%_"}}, ["Zé 100%_"]),
        ({"name": {"contains": "%"}}, ["Zé 100%_"]),
        ({"name": {"in": ["Ana", "Bruno"]}}, ["Ana", "Bruno"]),
        ({"name": {"in": []}}, []),
        ({"name": {"notIn": ["Ana", "Bruno"]}}, ["João", "Zé 100%_"]),
        ({"email": {"neq": "ana@example.org"}}, ["Bruno", "João", "Zé 100%_"]),
        ({"email": {"notIn": ["ana@example.org"]}}, ["Bruno", "João", "Zé 100%_"]),
        ({"email": {"isNull": True}}, ["Bruno", "Zé 100%_"]),
        ({"email": {"isNull": False}}, ["Ana", "João"]),
        ({"phone": {"eq": "+5511988880001"}}, ["Ana"]),
        ({"phone": {"eq": "+55 11 8888-0001"}}, ["Ana"]),
        ({"phone": {"eq": "+5511988880002"}}, ["Bruno"]),
        ({"phone": {"startsWith": "+5511 98888"}}, ["Ana", "Bruno"]),
        ({"phone": {"startsWith": "551188880"}}, ["Ana", "Bruno"]),
        ({"phone": {"isNull": True}}, ["João"]),
        ({"tags": {"any": ["vip", "old"]}}, ["Ana", "Bruno", "Zé 100%_"]),
        ({"tags": {"all": ["vip", "new"]}}, ["Ana"]),
        ({"tags": {"none": ["vip"]}}, ["João", "Zé 100%_"]),
        (
            {"lastInteractionAt": {"gte": "2026-07-14T09:00:00-03:00", "lt": "2026-07-14T12:00:00.000001Z"}},
            ["Ana"],
        ),
        ({"lastInteractionAt": {"isNull": True}}, ["Bruno", "João", "Zé 100%_"]),
        ({"not": {"email": {"eq": "ana@example.org"}}}, ["Bruno", "João", "Zé 100%_"]),
        ({"or": [{"name": {"eq": "Ana"}}, {"name": {"eq": "João"}}]}, ["Ana", "João"]),
        ({"or": []}, []),
        ({"and": [{"tags": {"any": ["vip"]}}, {"not": {"name": {"eq": "Ana"}}}]}, ["Bruno"]),
        ({"name": {"contains": "a"}, "tags": {"any": ["vip"]}}, ["Ana"]),
    ],
)
async def test_conditions_on_contacts(api: Api, where: dict[str, Any], expected: list[str]) -> None:
    assert await names(api, where) == expected


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("JOAO", ["João"]),
        ("  ", ["Ana", "Bruno", "João", "Zé 100%_"]),
        ("8888", ["Ana", "Bruno"]),
        ("+55 (11) 9", ["Ana"]),
        ("%", ["Zé 100%_"]),
        ("nobody", []),
    ],
)
async def test_free_text_finds_names_and_numbers(api: Api, search: str, expected: list[str]) -> None:
    assert await names(api, search=search) == expected


def nested(depth: int) -> dict[str, Any]:
    return {"name": {"eq": "Ana"}} if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    "where",
    [
        {"name": {"eq": None}},
        {"name": None},
        {"and": None},
        nested(5),
        {"and": [{"name": {"eq": "x", "neq": "y"}}] * 16},
        {"name": {"in": ["x"] * 501}},
        {"phone": {"startsWith": "abc"}},
    ],
)
async def test_conditions_beyond_the_rules_are_refused(api: Api, where: dict[str, Any]) -> None:
    assert (await api.ask(CONTACTS, where=where)).codes == ["BAD_USER_INPUT"]


async def test_conditions_within_the_rules_are_taken(api: Api) -> None:
    for where in (
        nested(4),
        {"and": [{"name": {"eq": "x", "neq": "y"}}] * 15},
        {"name": {"in": ["x"] * 500}},
    ):
        assert (await api.ask(CONTACTS, where=where)).errors == []


@pytest.mark.parametrize(
    "id_", ["", "garbage", "cht_01h455vb4pex5vsknk084sn02q", "CNT_01h455vb4pex5vsknk084sn02q"]
)
async def test_ids_of_another_kind_in_conditions_are_refused(api: Api, id_: str) -> None:
    assert (await api.ask(CONTACTS, where={"id": {"eq": id_}})).codes == ["INVALID_ID"]
    assert (await api.ask(CONTACTS, where={"id": {"in": [id_]}})).codes == ["INVALID_ID"]


async def test_unknown_ids_in_conditions_find_nothing(api: Api) -> None:
    assert await names(api, {"id": {"eq": public(ContactId, ContactId(new_id()))}}) == []


@pytest.mark.parametrize("order", [[{"field": "NAME"}] * 2, [{"field": "NAME"}] * 4])
async def test_an_order_names_at_most_three_keys_once(api: Api, order: list[dict[str, str]]) -> None:
    query = "query ($order: [ContactOrder!]) { contacts(orderBy: $order) { nodes { id } } }"

    assert (await api.ask(query, order=order)).codes == ["BAD_USER_INPUT"]


async def test_chats_are_found_by_subject_and_by_person(database: Database, shop: Shop, api: Api) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        a_chat(uow, shop, a_contact(uow, shop, "Maria", "+5511988880001"), "5511988880001@c.us")
        group = a_chat(uow, shop, None, "123@g.us")
        group.entitle("Família Silva", at=uow.now)
    query = "query ($s: String) { chats(search: $s) { nodes { externalId } } }"

    async def found(text: str) -> list[str]:
        return [node["externalId"] for node in (await api.get(query, s=text))["chats"]["nodes"]]

    assert await found("familia") == ["123@g.us"]
    assert await found("maria") == ["5511988880001@c.us"]
    assert await found("98888") == ["5511988880001@c.us"]
    assert await found("silveira") == []


async def test_conditions_on_chats_sessions_and_messages(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=2, messages=3)
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        late = a_chat(uow, shop, None, "1@g.us")
        late.archive(at=uow.now)
        a_message(uow, shop, late, "Olá", external_id="G", sent_at=NOON + timedelta(days=1))
    chat = (await api.get('{ chats(where: {externalId: {eq: "5511990000001@c.us"}}) { nodes { id } } }'))[
        "chats"
    ]["nodes"][0]
    counts = """
    query ($chat: ID!) {
      archived: chats(where: {status: {eq: ARCHIVED}}) { totalCount }
      individual: chats(where: {type: {neq: GROUP}, lastMessageAt: {isNull: false}}) { totalCount }
      active: sessions(where: {status: {in: [ACTIVE]}, endReason: {isNull: true}, messageCount: {gt: 2}}) { totalCount }
      ended: sessions(where: {endedAt: {isNull: false}}) { totalCount }
      inbound: messages(where: {direction: {eq: INBOUND}, chatId: {eq: $chat}}) { totalCount }
      texts: messages(where: {contentKind: {eq: TEXT}, isForwarded: {eq: false}, status: {notIn: [SENT]}}) { totalCount }
      said: messages(search: "ola") { totalCount }
    }
    """

    found = await api.get(counts, chat=chat["id"])

    assert {name: one["totalCount"] for name, one in found.items()} == {
        "archived": 1,
        "individual": 2,
        "active": 2,
        "ended": 0,
        "inbound": 2,
        "texts": 5,
        "said": 1,
    }


async def test_nested_lists_take_conditions(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=2, messages=4)
    query = """{
      chats(first: 5) { nodes { messages(where: {direction: {eq: OUTBOUND}}) { totalCount nodes { text } } } }
      contacts(first: 2) { nodes { sessions(where: {status: {eq: ENDED}}) { totalCount } chats { totalCount nodes { id } } } }
    }"""

    found = await api.get(query)

    assert [[m["text"] for m in chat["messages"]["nodes"]] for chat in found["chats"]["nodes"]] == [
        ["1/1", "1/3"],
        ["0/1", "0/3"],
    ]
    assert [
        (one["sessions"]["totalCount"], one["chats"]["totalCount"]) for one in found["contacts"]["nodes"]
    ] == [
        (0, 1),
        (0, 1),
    ]
