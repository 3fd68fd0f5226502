"""Channels, chats, sessions, messages, agents, keys and pipelines, changed through the API."""

from typing import Any

import pytest

from domain.identity.api_key import hash_secret
from domain.identity.permission import Permission
from integrations.crypto import Vault
from persistence.credentials import find_credential
from persistence.database import Database
from services.secrets import waha_api_key_context, webhook_hmac_key_context
from services.viewer import Viewer
from tests.factories import CLOCK, VAULT, Shop
from tests.graphql.asking import Api
from tests.graphql.builders import an_inbox

E = "userErrors { code field message }"
NEW_CHANNEL = {
    "name": "Loja",
    "wahaUrl": "https://waha.example.org/",
    "wahaSession": "loja",
    "wahaApiKey": "waha secret",
    "allowGroups": True,
    "sessionTimeoutSeconds": 600,
    "debounceTimeoutMs": 0,
}
CREATE_CHANNEL = f"mutation ($input: ChannelCreateInput!) {{ channelCreate(input: $input) {{ channel {{ id name kind status phone qrCode debounceTimeoutMs sessionTimeoutSeconds allowGroups webhookUrl wahaUrl version health {{ status lastError lastEventAt messagesReceived messagesSent pendingEvents }} historyImport {{ startedAt }} pipeline {{ name }} }} webhookHmacKey {E} }} }}"


async def run(api: Api, mutation: str, shows: str, **given: object) -> Any:
    """Run a mutation and return its payload."""
    type_ = mutation[0].upper() + mutation[1:] + "Input"
    query = f"mutation ($input: {type_}!) {{ {mutation}(input: $input) {{ {shows} {E} }} }}"
    return (await api.get(query, input=given))[mutation]


def codes(payload: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


async def test_a_channel_is_set_up_with_sealed_secrets(database: Database, shop: Shop, api: Api) -> None:
    payload = (await api.get(CREATE_CHANNEL, input=NEW_CHANNEL))["channelCreate"]

    channel = payload["channel"]
    token = channel["webhookUrl"].removeprefix("http://crm.test/webhooks/waha/")
    assert channel | {"id": "", "webhookUrl": ""} == {
        "id": "",
        "name": "Loja",
        "kind": "WAHA",
        "status": "INACTIVE",
        "phone": None,
        "qrCode": None,
        "debounceTimeoutMs": 0,
        "sessionTimeoutSeconds": 600,
        "allowGroups": True,
        "webhookUrl": "",
        "wahaUrl": "https://waha.example.org",
        "version": 1,
        "health": {
            "status": "INACTIVE",
            "lastError": None,
            "lastEventAt": None,
            "messagesReceived": 0,
            "messagesSent": 0,
            "pendingEvents": 0,
        },
        "historyImport": None,
        "pipeline": None,
    }
    async with database.reading(shop.tenant_id) as reader:
        stored = await reader.session.connection()
        row = (
            await stored.exec_driver_sql(
                f"SELECT waha_api_key, webhook_hmac_key FROM channels WHERE webhook_token = '{token}'"
            )
        ).one()
    vault: Vault = VAULT
    assert vault.open(row.waha_api_key, context=waha_api_key_context(token)) == "waha secret"
    assert (
        vault.open(row.webhook_hmac_key, context=webhook_hmac_key_context(token)) == payload["webhookHmacKey"]
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": ""}, ("REQUIRED", ["name"])),
        ({"wahaUrl": "ftp://x"}, ("INVALID", ["wahaUrl"])),
        ({"wahaUrl": "http://"}, ("INVALID", ["wahaUrl"])),
        ({"wahaUrl": "http://u:p@x"}, ("INVALID", ["wahaUrl"])),
        ({"wahaUrl": "http://x:99999"}, ("INVALID", ["wahaUrl"])),
        ({"wahaSession": " "}, ("REQUIRED", ["wahaSession"])),
        ({"debounceTimeoutMs": 300_001}, ("INVALID", ["debounceTimeoutMs"])),
        ({"sessionTimeoutSeconds": 59}, ("INVALID", ["sessionTimeoutSeconds"])),
        ({"wahaApiKey": "x" * 1025}, ("TOO_LONG", ["wahaApiKey"])),
        ({"wahaApiKey": "…"}, ("INVALID", ["wahaApiKey"])),
        ({"wahaApiKey": "secret\n"}, ("INVALID", ["wahaApiKey"])),
    ],
)
async def test_a_channel_that_breaks_a_rule_is_not_set_up(
    api: Api, given: dict[str, object], expected: tuple[str, list[str]]
) -> None:
    payload = await run(api, "channelCreate", "channel { id } webhookHmacKey", **NEW_CHANNEL | given)

    assert (payload["channel"], payload["webhookHmacKey"], codes(payload)) == (None, None, [expected])
    assert (await api.get("{ channels { totalCount } }")) == {"channels": {"totalCount": 1}}


async def test_one_waha_session_has_one_channel(api: Api) -> None:
    await run(api, "channelCreate", "channel { id }", **NEW_CHANNEL)

    payload = await run(api, "channelCreate", "channel { id }", **NEW_CHANNEL)

    assert codes(payload) == [("ALREADY_EXISTS", None)]


async def test_a_channel_is_connected_by_a_worker(database: Database, api: Api) -> None:
    id_ = (await run(api, "channelCreate", "channel { id }", **NEW_CHANNEL))["channel"]["id"]

    payload = await run(api, "channelConnect", "channel { status }", id=id_)

    assert payload == {"channel": {"status": "ACTIVATING"}, "userErrors": []}
    types = [
        row["event_type"] for row in await database.system.fetch("SELECT event_type FROM outbox ORDER BY id")
    ]
    assert types[-3:] == ["channel.created", "channel.updated", "channel.activation.requested"]


async def test_a_connected_channel_is_not_connected_again(api: Api) -> None:
    id_ = (await api.get("{ channels { nodes { id } } }"))["channels"]["nodes"][0]["id"]

    assert codes(await run(api, "channelConnect", "channel { id }", id=id_)) == [("INVALID_STATE", None)]


async def test_settings_of_a_channel_change_one_by_one(api: Api) -> None:
    id_ = (await api.get("{ channels { nodes { id } } }"))["channels"]["nodes"][0]["id"]
    pipeline = (
        await run(api, "pipelineCreate", "pipeline { id name }", name="Vendas", sessionTimeoutSeconds=120)
    )["pipeline"]
    shows = "channel { name allowGroups debounceTimeoutMs sessionTimeoutSeconds pipeline { name } version }"

    changed = await run(
        api,
        "channelUpdate",
        shows,
        id=id_,
        name="Novo",
        sessionTimeoutSeconds=60,
        pipelineId=pipeline["id"],
        expectedVersion=1,
    )
    cleared = await run(
        api, "channelUpdate", shows, id=id_, sessionTimeoutSeconds=None, pipelineId=None, allowGroups=False
    )

    assert changed["channel"] == {
        "name": "Novo", "allowGroups": True, "debounceTimeoutMs": 15_000, "sessionTimeoutSeconds": 60, "pipeline": {"name": "Vendas"}, "version": 2,
    }  # fmt: skip
    assert cleared["channel"] == {
        "name": "Novo", "allowGroups": False, "debounceTimeoutMs": 15_000, "sessionTimeoutSeconds": None, "pipeline": None, "version": 3,
    }  # fmt: skip
    for field in ("name", "debounceTimeoutMs", "allowGroups"):
        assert codes(await run(api, "channelUpdate", "channel { id }", id=id_, **{field: None})) == [
            ("REQUIRED", [field])
        ]


async def test_a_pipelines_name_is_unique_without_regard_to_case(api: Api) -> None:
    await run(api, "pipelineCreate", "pipeline { id }", name="Vendas")

    assert codes(await run(api, "pipelineCreate", "pipeline { id }", name="VENDAS")) == [
        ("ALREADY_EXISTS", None)
    ]


async def test_a_chat_goes_through_its_states(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    id_ = (await api.get("{ chats { nodes { id } } }"))["chats"]["nodes"][0]["id"]

    states = [
        (await run(api, mutation, "chat { status }", id=id_))
        for mutation in (
            "chatArchive",
            "chatArchive",
            "chatUnarchive",
            "chatClose",
            "chatArchive",
            "chatReopen",
            "chatReopen",
        )
    ]

    assert [(state["chat"] or {}).get("status") for state in states] == [
        "ARCHIVED",
        "ARCHIVED",
        "ACTIVE",
        "CLOSED",
        None,
        "ACTIVE",
        None,
    ]
    assert [error["code"] for state in states for error in state["userErrors"]] == ["INVALID_STATE"] * 2


async def test_a_session_is_assigned_and_closed(database: Database, shop: Shop, api: Api) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    id_ = (await api.get("{ sessions { nodes { id } } }"))["sessions"]["nodes"][0]["id"]
    bot = (await run(api, "agentCreate", "agent { __typename id name }", name="Robô", type="BOT"))["agent"]
    assert bot["__typename"] == "BotAgent"

    assigned = await run(
        api, "sessionAssign", "session { assignee { __typename name } }", id=id_, agentId=bot["id"]
    )
    refused = await run(api, "sessionClose", "session { id }", id=id_, reason="INACTIVITY_TIMEOUT")
    closed = await run(api, "sessionClose", "session { status endReason endedAt }", id=id_, reason="RESOLVED")
    again = await run(api, "sessionClose", "session { id }", id=id_)

    assert assigned["session"] == {"assignee": {"__typename": "BotAgent", "name": "Robô"}}
    assert codes(refused) == [("INVALID", ["reason"])]
    assert (closed["session"]["status"], closed["session"]["endReason"]) == ("ENDED", "RESOLVED")
    assert closed["session"]["endedAt"].endswith("Z")
    assert codes(again) == [("INVALID_STATE", None)]
    assert codes(await run(api, "agentCreate", "agent { id }", name="x", type="SYSTEM")) == [
        ("INVALID", ["type"])
    ]


async def test_an_unknown_agent_cannot_be_assigned(
    database: Database, shop: Shop, api: Api, stranger: Api
) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    id_ = (await api.get("{ sessions { nodes { id } } }"))["sessions"]["nodes"][0]["id"]
    foreign = (await stranger.get("{ agents { nodes { id } } }"))["agents"]["nodes"][0]["id"]

    assert codes(await run(api, "sessionAssign", "session { id }", id=id_, agentId=foreign)) == [
        ("NOT_FOUND", ["agentId"])
    ]


async def test_a_message_is_queued_and_repeating_it_sends_nothing(
    database: Database, shop: Shop, api: Api
) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    chat = (await api.get("{ chats { nodes { id messages { nodes { id } } } } }"))["chats"]["nodes"][0]
    shows = "message { id status direction origin text clientMessageId author { __typename ... on HumanAgent { name } } replyTo { id } content { __typename ... on TextContent { text } } session { id } }"
    given = {
        "chatId": chat["id"],
        "content": {"text": {"text": "Olá"}},
        "replyToId": chat["messages"]["nodes"][0]["id"],
        "clientMessageId": "c-1",
    }

    sent = await run(api, "messageSend", shows, **given)
    again = await run(api, "messageSend", shows, **given)

    assert sent == again
    message = sent["message"]
    assert message["id"].startswith("msg_")
    assert message["session"] is not None
    assert message | {"id": "", "session": None} == {
        "id": "", "status": "QUEUED", "direction": "OUTBOUND", "origin": "API", "text": "Olá", "clientMessageId": "c-1", "session": None,
        "author": {"__typename": "HumanAgent", "name": "Ana"},
        "replyTo": {"id": chat["messages"]["nodes"][0]["id"]},
        "content": {"__typename": "TextContent", "text": "Olá"},
    }  # fmt: skip
    assert (await api.get("{ messages { totalCount } }")) == {"messages": {"totalCount": 2}}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"image": {"url": "https://x.example/a.jpg", "caption": "Olhe"}}, "ImageContent"),
        ({"document": {"url": "https://x.example/a.pdf", "filename": "a.pdf"}}, "DocumentContent"),
        ({"location": {"latitude": -23.5, "longitude": -46.6, "name": "Loja"}}, "LocationContent"),
    ],
)
async def test_files_and_places_are_sent_to_a_number(api: Api, content: dict[str, object], kind: str) -> None:
    channel = (await api.get("{ channels { nodes { id } } }"))["channels"]["nodes"][0]["id"]

    sent = await run(
        api,
        "messageSend",
        "message { content { __typename } chat { contact { phone } } }",
        to="+5511988880001",
        channelId=channel,
        content=content,
    )

    assert sent["userErrors"] == []
    assert sent["message"] == {
        "content": {"__typename": kind},
        "chat": {"contact": {"phone": "+5511988880001"}},
    }


@pytest.mark.parametrize(
    "content", [{}, {"text": None}, {"text": {"text": "x"}, "location": {"latitude": 1, "longitude": 1}}]
)
async def test_content_is_exactly_one_thing(api: Api, content: dict[str, object]) -> None:
    query = "mutation ($c: MessageContentInput!) { messageSend(input: {content: $c}) { message { id } } }"

    assert (await api.ask(query, c=content)).codes == ["BAD_USER_INPUT"]


async def test_a_text_that_is_too_long_is_refused_with_its_path(
    database: Database, shop: Shop, api: Api
) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    chat = (await api.get("{ chats { nodes { id } } }"))["chats"]["nodes"][0]["id"]

    for text, code in (("x" * 4097, "TOO_LONG"), (" ", "REQUIRED")):
        sent = await run(api, "messageSend", "message { id }", chatId=chat, content={"text": {"text": text}})
        assert codes(sent) == [(code, ["content", "text", "text"])]


async def test_a_key_is_shown_once_and_works_until_revoked(database: Database, api: Api) -> None:
    payload = await run(
        api,
        "apiKeyCreate",
        "secret apiKey { id name hint scopes revokedAt }",
        name="Loja",
        scopes=["CHATS_READ", "CHATS_READ"],
    )
    secret, key = payload["secret"], payload["apiKey"]
    assert key["scopes"] == ["CHATS_READ"]
    assert secret.startswith(key["hint"])
    found = await find_credential(database.system, secret_hash=hash_secret(secret), now=CLOCK.now())
    assert found is not None

    revoked = await run(api, "apiKeyRevoke", "apiKey { id revokedAt }", id=key["id"])

    assert revoked["apiKey"]["revokedAt"] is not None
    assert await find_credential(database.system, secret_hash=hash_secret(secret), now=CLOCK.now()) is None
    assert (await run(api, "apiKeyRevoke", "apiKey { revokedAt }", id=key["id"]))["apiKey"][
        "revokedAt"
    ] == revoked["apiKey"]["revokedAt"]


async def test_nobody_grants_what_they_lack(database: Database, shop: Shop) -> None:
    humble = Api(
        database,
        Viewer(
            id=shop.viewer.id,
            name="humble",
            tenant_id=shop.tenant_id,
            project_id=shop.project_id,
            permissions=frozenset({Permission.API_KEYS_WRITE}),
        ),
    )
    query = 'mutation { apiKeyCreate(input: {name: "x", scopes: [MESSAGES_READ]}) { secret } }'

    answer = await humble.ask(query)

    assert answer.codes == ["FORBIDDEN"]
    assert answer.data is None
