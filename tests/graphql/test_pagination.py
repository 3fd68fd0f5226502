"""Pages of lists: exact in both directions, stable, and refusing what makes no page."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from domain.crm.chat import Chat
from persistence.database import Database
from tests.factories import NOON, Shop
from tests.graphql.asking import Api
from tests.graphql.builders import CAUSE, a_chat, a_contact, a_message, an_inbox

N = 7
LIST = """
query ($first: Int, $after: String, $last: Int, $before: String, $order: [MessageOrder!], $where: MessageWhere) {
  messages(first: $first, after: $after, last: $last, before: $before, orderBy: $order, where: $where) {
    edges { cursor node { id text } } nodes { text }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount totalCountIsCapped
  }
}
"""


@pytest.fixture
async def chat(database: Database, shop: Shop) -> Chat:
    """A chat with N messages, of which all were sent at the same time: the id decides."""
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        made = a_chat(uow, shop, a_contact(uow, shop), "5511900000001@c.us")
        for number in range(N):
            a_message(uow, shop, made, f"m{number}", external_id=f"M{number}")
    return made


async def page(api: Api, **arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(LIST, **arguments))["messages"]
    edges = found["edges"]
    assert [edge["node"]["text"] for edge in edges] == [node["text"] for node in found["nodes"]]
    assert found["pageInfo"]["startCursor"] == (edges[0]["cursor"] if edges else None)
    assert found["pageInfo"]["endCursor"] == (edges[-1]["cursor"] if edges else None)
    assert (found["totalCount"], found["totalCountIsCapped"]) == (N, False)
    return found


def shown(found: dict[str, Any]) -> tuple[list[str], bool, bool]:
    """What a page holds, whether there is a page before it, and whether there is one after."""
    info = found["pageInfo"]
    return [node["text"] for node in found["nodes"]], info["hasPreviousPage"], info["hasNextPage"]


async def cursors(api: Api) -> list[str]:
    return [edge["cursor"] for edge in (await page(api))["edges"]]


def texts(*numbers: int) -> list[str]:
    return [f"m{number}" for number in numbers]


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, (texts(*range(N)), False, False)),
        ({"first": None}, (texts(*range(N)), False, False)),
        ({"first": 1}, (texts(0), False, True)),
        ({"first": N - 1}, (texts(*range(N - 1)), False, True)),
        ({"first": N}, (texts(*range(N)), False, False)),
        ({"first": N + 1}, (texts(*range(N)), False, False)),
        ({"last": 2}, (texts(5, 6), True, False)),
        ({"last": N}, (texts(*range(N)), False, False)),
        ({"last": 100}, (texts(*range(N)), False, False)),
        ({"first": 2, "after": 1}, (texts(2, 3), True, True)),
        ({"first": 5, "after": 1}, (texts(2, 3, 4, 5, 6), True, False)),
        ({"after": 4}, (texts(5, 6), True, False)),
        ({"first": 3, "after": 6}, ([], True, False)),
        ({"last": 2, "before": 4}, (texts(2, 3), True, True)),
        ({"last": 4, "before": 4}, (texts(0, 1, 2, 3), False, True)),
        ({"before": 2}, (texts(0, 1), False, True)),
        ({"last": 3, "before": 0}, ([], False, True)),
    ],
)
async def test_a_page_knows_what_lies_on_either_side(
    api: Api, arguments: dict[str, int], expected: tuple[list[str], bool, bool]
) -> None:
    places = await cursors(api)
    given = {
        name: places[value] if name in {"after", "before"} else value for name, value in arguments.items()
    }

    assert shown(await page(api, **given)) == expected


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 0},
        {"first": -1},
        {"first": 101},
        {"last": 0},
        {"last": -1},
        {"last": 101},
        {"first": 1, "last": 1},
        {"first": 1, "before": "x"},
        {"last": 1, "after": "x"},
        {"after": "x", "before": "x"},
    ],
)
async def test_what_makes_no_page_is_refused(api: Api, arguments: dict[str, object]) -> None:
    answer = await api.ask(LIST, **arguments)

    assert answer.codes == ["INVALID_PAGINATION"]
    assert answer.data is None


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize(
    "forged", ["!!!", "", "AAAA", "AQ", "é", "x" * 20_000, "' OR 1=1 --", "YXJyYXljb25uOjU="]
)
async def test_what_is_no_cursor_is_refused(api: Api, forged: str) -> None:
    assert (await api.ask(LIST, first=1, after=forged)).codes == ["INVALID_CURSOR"]


@pytest.mark.usefixtures("chat")
async def test_a_cursor_with_any_bit_flipped_is_refused(api: Api) -> None:
    cursor = (await cursors(api))[2]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    for place in range(len(raw)):
        flipped = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        forged = base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()
        assert (await api.ask(LIST, first=1, after=forged)).codes == ["INVALID_CURSOR"]


async def test_a_cursor_belongs_to_its_list_order_filter_and_tenant(
    chat: Chat, api: Api, stranger: Api
) -> None:
    cursor = (await cursors(api))[2]
    nested = "query ($id: ID!, $after: String) { node(id: $id) { ... on Chat { messages(first: 1, after: $after) { nodes { id } } } } }"
    chat_id = (await api.get("{ chats { nodes { id } } }"))["chats"]["nodes"][0]["id"]

    for answer in (
        await api.ask(LIST, first=1, after=cursor, order=[{"field": "SENT_AT", "direction": "DESC"}]),
        await api.ask(LIST, first=1, after=cursor, where={"text": {"eq": "m1"}}),
        await api.ask("query ($a: String) { chats(after: $a) { nodes { id } } }", a=cursor),
        await api.ask(nested, id=chat_id, after=cursor),
        await stranger.ask(LIST, first=1, after=cursor),
    ):
        assert answer.codes == ["INVALID_CURSOR"]


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_walking_either_way_sees_every_row_once(api: Api, direction: str) -> None:
    order = [{"field": "SENT_AT", "direction": direction}]
    forward: list[str] = []
    cursor: str | None = None
    while True:
        found = await page(api, first=3, after=cursor, order=order)
        forward += [node["text"] for node in found["nodes"]]
        if not found["pageInfo"]["hasNextPage"]:
            break
        cursor = found["pageInfo"]["endCursor"]
    backward: list[str] = []
    cursor = None
    while True:
        found = await page(api, last=3, before=cursor, order=order)
        backward = [node["text"] for node in found["nodes"]] + backward
        if not found["pageInfo"]["hasPreviousPage"]:
            break
        cursor = found["pageInfo"]["startCursor"]

    assert forward == backward == texts(*(range(N) if direction == "ASC" else reversed(range(N))))


async def test_a_walk_is_not_disturbed_by_new_rows(
    database: Database, shop: Shop, chat: Chat, api: Api
) -> None:
    seen = []
    cursor = None
    for number in range(3):
        found = (await api.get(LIST, first=2, after=cursor))["messages"]
        seen += [node["text"] for node in found["nodes"]]
        cursor = found["pageInfo"]["endCursor"]
        async with database.writing(shop.tenant_id, CAUSE) as uow:
            late = await uow.chats.get_for_update(chat.id)
            a_message(uow, shop, late, "early", external_id=f"E{number}", sent_at=NOON - timedelta(hours=1))

    assert seen == texts(*range(6))


async def test_rows_without_a_value_are_visited_once_wherever_they_go(
    database: Database, shop: Shop, api: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        for number in range(5):
            made = a_chat(uow, shop, None, f"{number}@g.us")
            if number % 2:
                made.file(NOON + timedelta(microseconds=number), at=uow.now)
    query = """
    query ($after: String, $order: [ChatOrder!]) {
      chats(first: 2, after: $after, orderBy: $order) { nodes { externalId } pageInfo { hasNextPage endCursor } }
    }
    """

    async def walk(**order: str) -> list[str]:
        seen: list[str] = []
        cursor = None
        while True:
            found = (
                await api.get(
                    query, after=cursor, order=[{"field": "LAST_MESSAGE_AT", **order}] if order else None
                )
            )["chats"]
            seen += [node["externalId"][0] for node in found["nodes"]]
            if not found["pageInfo"]["hasNextPage"]:
                return seen
            cursor = found["pageInfo"]["endCursor"]

    assert await walk() == ["3", "1", "4", "2", "0"]
    assert await walk(direction="DESC", nulls="FIRST") == ["4", "2", "0", "3", "1"]
    assert await walk(direction="ASC") == ["0", "2", "4", "1", "3"]
    assert await walk(direction="ASC", nulls="LAST") == ["1", "3", "0", "2", "4"]


async def test_several_sort_keys_may_run_in_different_directions(
    database: Database, shop: Shop, api: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        for name, hours in (("b", 1), ("A", 2), ("B", 3), ("a", 4)):
            contact = a_contact(uow, shop, name)
            contact.interact(NOON + timedelta(hours=hours), at=uow.now)
    query = """
    query ($after: String) {
      contacts(first: 1, after: $after, orderBy: [{field: NAME}, {field: LAST_INTERACTION_AT, direction: DESC}]) {
        nodes { name } pageInfo { hasNextPage hasPreviousPage endCursor }
      }
    }
    """

    seen, cursor = [], None
    for number in range(4):
        found = (await api.get(query, after=cursor))["contacts"]
        seen += [node["name"] for node in found["nodes"]]
        assert (found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]) == (
            number > 0,
            number < 3,
        )
        cursor = found["pageInfo"]["endCursor"]

    assert seen == ["a", "A", "B", "b"]


async def test_nested_pages_go_on_behind_their_own_cursors(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=2, messages=5)
    first = """{ chats { nodes { id messages(first: 2) { totalCount nodes { text } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }"""
    further = """
    query ($id: ID!, $after: String) {
      chat(id: $id) { messages(first: 2, after: $after) { nodes { text } pageInfo { hasNextPage hasPreviousPage endCursor } } }
    }
    """

    chats = (await api.get(first))["chats"]["nodes"]

    for chat, number in zip(chats, (1, 0), strict=True):
        assert chat["messages"]["totalCount"] == 5
        assert shown(chat["messages"]) == ([f"{number}/0", f"{number}/1"], False, True)
        second = (await api.get(further, id=chat["id"], after=chat["messages"]["pageInfo"]["endCursor"]))[
            "chat"
        ]
        assert shown(second["messages"]) == ([f"{number}/2", f"{number}/3"], True, True)
        third = (await api.get(further, id=chat["id"], after=second["messages"]["pageInfo"]["endCursor"]))[
            "chat"
        ]
        assert shown(third["messages"]) == ([f"{number}/4"], True, False)


async def test_two_aliases_page_independently(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=1, messages=4)

    answer = await api.get(
        "{ chats { nodes { oldest: messages(first: 1) { nodes { text } } newest: messages(last: 1) { nodes { text } } } } }"
    )

    chat = answer["chats"]["nodes"][0]
    assert chat["oldest"]["nodes"] == [{"text": "0/0"}]
    assert chat["newest"]["nodes"] == [{"text": "0/3"}]
