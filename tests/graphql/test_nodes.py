"""Finding things by id, and finding nothing of anybody else's."""

from typing import Any

import pytest

from domain.ids import PREFIXES, ContactId, new_id, type_id
from persistence.database import Database
from resolvers.ids import public
from tests.factories import Shop, open_shop
from tests.graphql.asking import Api
from tests.graphql.builders import CAUSE, a_contact, an_inbox

NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
EVERYTHING = """{
  contacts { nodes { id } } chats { nodes { id } } sessions { nodes { id } } messages { nodes { id } }
  channels { nodes { id } } agents { nodes { id } } pipelines { nodes { id } } apiKeys { nodes { id } }
  tenant { id } viewer { id project { id } }
}"""


async def ids_of(api: Api) -> dict[str, str]:
    """One id of each kind that the viewer can see."""
    await api.get('mutation { pipelineCreate(input: {name: "Vendas"}) { userErrors { message } } }')
    found = await api.get(EVERYTHING)
    ids = [one["nodes"][0]["id"] for one in found.values() if "nodes" in one]
    ids += [found["tenant"]["id"], found["viewer"]["project"]["id"]]
    return {id_.partition("_")[0]: id_ for id_ in ids}


async def test_everything_with_a_global_id_is_a_node(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    ids = await ids_of(api)

    found = {prefix: (await api.get(NODE, id=id_))["node"] for prefix, id_ in ids.items()}

    assert {prefix: node["__typename"] for prefix, node in found.items()} == {
        "cnt": "Contact",
        "cht": "Chat",
        "ses": "Session",
        "msg": "Message",
        "chn": "Channel",
        "agt": "HumanAgent",
        "pip": "Pipeline",
        "key": "ApiKey",
        "ten": "Tenant",
        "prj": "Project",
    }
    assert {prefix: node["id"] for prefix, node in found.items()} == ids


async def test_nodes_keep_order_repeats_and_gaps(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    ids = await ids_of(api)
    missing = public(ContactId, ContactId(new_id()))
    wanted = [ids["msg"], missing, ids["cnt"], "garbage", ids["msg"], "", ids["chn"]]

    found = (await api.get("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=wanted))["nodes"]

    assert found == [
        {"id": ids["msg"]}, None, {"id": ids["cnt"]}, None, {"id": ids["msg"]}, None, {"id": ids["chn"]}
    ]  # fmt: skip


async def test_more_than_a_hundred_nodes_are_refused(api: Api) -> None:
    answer = await api.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101)

    assert answer.codes == ["BAD_USER_INPUT"]


async def test_missing_foreign_and_garbage_ids_give_one_and_the_same_null(
    database: Database, shop: Shop, api: Api, stranger: Api
) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    ids = await ids_of(api)
    wrong = [*ids.values(), *(type_id(prefix, new_id()) for prefix in PREFIXES.values())]
    wrong += ["", "garbage", "msg_", ids["msg"].upper(), ids["msg"] + "0", ids["cnt"].replace("cnt", "cht")]

    for id_ in wrong:
        assert (await stranger.ask(NODE, id=id_)).__dict__ == {"data": {"node": None}, "errors": []}


SINGULAR = {
    "contact": "cnt",
    "chat": "cht",
    "session": "ses",
    "message": "msg",
    "channel": "chn",
    "pipeline": "pip",
    "agent": "agt",
}


@pytest.mark.parametrize("field", SINGULAR)
async def test_a_root_by_id_answers_null_to_unknown_and_refuses_other_kinds(api: Api, field: str) -> None:
    query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"

    assert (await api.get(query, id=type_id(SINGULAR[field], new_id()))) == {field: None}
    for wrong in ("", "garbage", type_id("evt", new_id()), type_id(SINGULAR[field], new_id())[:-1]):
        answer = await api.ask(query, id=wrong)
        assert answer.codes == ["INVALID_ID"]
        assert answer.data == {field: None}


def arguments_with_ids() -> list[tuple[str, str, str]]:
    """Operations that take an id: the operation, the prefix of its id, and what it is called."""
    queries = [
        (f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", prefix, field)
        for field, prefix in SINGULAR.items()
    ]
    queries += [
        (
            f"query ($id: ID!) {{ {plural}(where: {{{field}: {{eq: $id}}}}) {{ totalCount nodes {{ id }} }} }}",
            prefix,
            f"{plural}.{field}",
        )
        for plural, field, prefix in (
            ("contacts", "id", "cnt"),
            ("chats", "id", "cht"),
            ("chats", "channelId", "chn"),
            ("chats", "contactId", "cnt"),
            ("sessions", "chatId", "cht"),
            ("sessions", "assigneeId", "agt"),
            ("messages", "chatId", "cht"),
            ("messages", "sessionId", "ses"),
        )
    ]
    queries += [
        (
            'query ($id: ID!) { contactByAddress(channelId: $id, phone: "+5511900000000") { id } }',
            "chn",
            "contactByAddress",
        ),
        (
            'query ($id: ID!) { messageByExternalId(channelId: $id, externalId: "0-0") { id } }',
            "chn",
            "messageByExternalId",
        ),
    ]
    commands = {
        "contactUpdate": ("cnt", 'id: $id, name: "x"'),
        "contactDelete": ("cnt", "id: $id"),
        "channelConnect": ("chn", "id: $id"),
        "channelUpdate": ("chn", 'id: $id, name: "x"'),
        "chatArchive": ("cht", "id: $id"),
        "chatUnarchive": ("cht", "id: $id"),
        "chatClose": ("cht", "id: $id"),
        "chatReopen": ("cht", "id: $id"),
        "sessionClose": ("ses", "id: $id"),
        "apiKeyRevoke": ("key", "id: $id"),
        "messageSend": ("cht", 'chatId: $id, content: {text: {text: "x"}}'),
    }
    queries += [
        (
            f"mutation ($id: ID!) {{ {name}(input: {{{given}}}) {{ userErrors {{ code message field }} }} }}",
            prefix,
            name,
        )
        for name, (prefix, given) in commands.items()
    ]
    queries.append(
        (
            'mutation ($id: ID!) { messageSend(input: {channelId: $id, to: "+5511900000000", content: {text: {text: "x"}}}) { userErrors { code message field } } }',
            "chn",
            "messageSend.channelId",
        )
    )
    queries.append(
        (
            'mutation ($id: ID!) { apiKeyCreate(input: {name: "x", scopes: [CHATS_READ], agentId: $id}) { userErrors { code message field } } }',
            "agt",
            "apiKeyCreate.agentId",
        )
    )
    queries.append(
        (
            'mutation ($id: ID!) { channelCreate(input: {name: "x", wahaUrl: "http://w", wahaSession: "y", pipelineId: $id}) { userErrors { code message field } } }',
            "pip",
            "channelCreate.pipelineId",
        )
    )
    return queries


@pytest.mark.parametrize(("operation", "prefix", "name"), arguments_with_ids(), ids=lambda one: str(one)[:24])
async def test_a_foreign_id_is_answered_like_a_random_one(
    database: Database, shop: Shop, api: Api, stranger: Api, operation: str, prefix: str, name: str
) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    foreign = (await ids_of(api))[prefix]

    answer = await stranger.ask(operation, id=foreign)

    unknown = await stranger.ask(operation, id=type_id(prefix, new_id()))
    assert answer.__dict__ == unknown.__dict__
    assert answer.errors == []


async def test_another_project_of_the_same_tenant_is_foreign_too(
    database: Database, shop: Shop, api: Api
) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    ids = await ids_of(api)
    other = await open_shop(database)
    viewer: Any = other.viewer
    neighbour = Api(database, type(viewer)(id=viewer.id, name="n", tenant_id=shop.tenant_id, project_id=other.project_id, permissions=viewer.permissions))  # fmt: skip

    for prefix, id_ in ids.items():
        if prefix not in {"ten", "prj"}:
            assert (await neighbour.get(NODE, id=id_)) == {"node": None}
    closed = await neighbour.get(
        "mutation ($id: ID!) { chatClose(input: {id: $id, expectedVersion: 99}) { userErrors { code } } }",
        id=ids["cht"],
    )
    assert closed["chatClose"]["userErrors"] == [{"code": "NOT_FOUND"}]


async def test_a_contact_is_found_by_any_spelling_of_its_addresses(
    database: Database, shop: Shop, api: Api, stranger: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        a_contact(uow, shop, "Maria", "+5511988880001")
    query = "query ($phone: PhoneNumber, $lid: String, $jid: String) { contactByAddress(phone: $phone, lid: $lid, jid: $jid) { name } }"

    for given in (
        {"phone": "+5511988880001"},
        {"phone": "+551188880001"},
        {"jid": "551188880001@c.us"},
        {"jid": "5511988880001:3@s.whatsapp.net"},
    ):
        assert (await api.get(query, **given)) == {"contactByAddress": {"name": "Maria"}}
        assert (await stranger.get(query, **given)) == {"contactByAddress": None}
    assert (await api.get(query, lid="5511988880001")) == {"contactByAddress": None}
    for wrong in ({}, {"phone": "+5511988880001", "lid": "1"}, {"lid": "x"}, {"jid": "1@g.us"}):
        assert (await api.ask(query, **wrong)).codes == ["BAD_USER_INPUT"]


async def test_a_message_is_found_by_whatsapps_id_bare_or_full(
    database: Database, shop: Shop, api: Api
) -> None:
    await an_inbox(database, shop, chats=1, messages=2)
    channel = (await api.get("{ channels { nodes { id } } }"))["channels"]["nodes"][0]["id"]
    query = "query ($c: ID!, $x: String!) { messageByExternalId(channelId: $c, externalId: $x) { text } }"

    for external_id in ("0-1", "true_5511990000000@c.us_0-1"):
        assert (await api.get(query, c=channel, x=external_id)) == {"messageByExternalId": {"text": "0/1"}}
    assert (await api.get(query, c=channel, x="0-9")) == {"messageByExternalId": None}
    assert (await api.get(query, c=channel, x="")) == {"messageByExternalId": None}
