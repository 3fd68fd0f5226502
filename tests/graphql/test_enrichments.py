"""What files say, through the API: beside their messages, tried again, within a budget, and nobody else's."""

from dataclasses import replace
from typing import Any

import pytest

from domain.ai.usage import AiPurpose
from domain.crm.content import ImageContent, Media, MediaStatus
from domain.crm.enrichment import Enrichment, EnrichmentKind, EnrichmentResult
from domain.crm.message import Message
from domain.identity.permission import ALL_PERMISSIONS, Permission
from domain.ids import EnrichmentId, MediaId, new_id
from persistence import ai_usage
from persistence.database import Database
from resolvers.ids import public
from tests.factories import Shop
from tests.graphql.asking import Api, Statements
from tests.graphql.builders import CAUSE, a_chat, a_contact, a_message

FIELDS = (
    "kind status text language provider model isCached costMicrousd durationMs error attempts completedAt"
)
MESSAGES = f"{{ messages {{ nodes {{ enrichments {{ {FIELDS} createdAt }} }} }} }}"
RETRY = (
    "mutation ($input: EnrichmentRetryInput!) { enrichmentRetry(input: $input) "
    "{ enrichment { status attempts error version } userErrors { code field } } }"
)
BUDGET = (
    "mutation ($input: ProjectSetAiBudgetInput!) { projectSetAiBudget(input: $input) "
    "{ project { aiDailyBudgetMicrousd version } userErrors { code field } } }"
)
RESULT = EnrichmentResult(
    text="A cake.", provider="api.example.org", model="gpt-4o-mini", language="pt", cost_microusd=180
)


async def pictures(database: Database, shop: Shop, *, count: int = 1) -> list[tuple[Message, Enrichment]]:
    """Messages with a picture each, whose description waits for its file."""
    made = []
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        contact = a_contact(uow, shop, "Maria", "+5511999990001")
        chat = a_chat(uow, shop, contact, "5511999990001@c.us")
        for number in range(count):
            media = Media(id=MediaId(new_id()), status=MediaStatus.STORED, mime_type="image/png")
            message = a_message(uow, shop, chat, ImageContent(media=media), external_id=f"A{number}")
            assert media.id is not None
            enrichment = uow.enrichments.add(
                Enrichment.request(
                    tenant_id=shop.tenant_id,
                    project_id=shop.project_id,
                    chat_id=chat.id,
                    message_id=message.id,
                    media_id=media.id,
                    type_=EnrichmentKind.DESCRIPTION,
                    priority=7,
                    at=uow.now,
                )
            )
            made.append((message, enrichment))
    return made


async def describe(database: Database, shop: Shop, enrichment: Enrichment) -> None:
    token = new_id()
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        held = await uow.enrichments.get_for_update(enrichment.id)
        message = await uow.messages.find(enrichment.message_id)
        assert message is not None
        held.file_stored(at=uow.now)
        held.take(token, chat_id=message.chat_id, at=uow.now)
        held.complete(token, RESULT, duration_ms=900, chat_id=message.chat_id, at=uow.now)


async def skip(database: Database, shop: Shop, enrichment: Enrichment, *, with_file: bool) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        held = await uow.enrichments.get_for_update(enrichment.id)
        message = await uow.messages.find(enrichment.message_id)
        assert message is not None
        held.skip("The AI budget of the day is spent.", chat_id=message.chat_id, at=uow.now)
        if with_file:
            connection = await uow.session.connection()
            await connection.exec_driver_sql(
                "INSERT INTO media (tenant_id, id, message_id, channel_id, status, chat_address, created_at, sha256) "
                f"VALUES ('{shop.tenant_id}', '{enrichment.media_id}', '{message.id}', '{shop.channel_id}', "
                "'STORED', 'x', now(), 'ab')"
            )


async def test_what_a_file_says_is_beside_its_message(database: Database, shop: Shop, api: Api) -> None:
    ((_, enrichment),) = await pictures(database, shop)
    await describe(database, shop, enrichment)

    ((shown,),) = [one["enrichments"] for one in (await api.get(MESSAGES))["messages"]["nodes"]]

    assert shown.pop("createdAt") <= shown.pop("completedAt")
    assert shown == {
        "kind": "DESCRIPTION",
        "status": "COMPLETED",
        "text": "A cake.",
        "language": "pt",
        "provider": "api.example.org",
        "model": "gpt-4o-mini",
        "isCached": False,
        "costMicrousd": 180,
        "durationMs": 900,
        "error": None,
        "attempts": 1,
    }


async def test_many_messages_cost_one_statement(
    database: Database, shop: Shop, api: Api, statements: Statements
) -> None:
    await pictures(database, shop, count=2)
    statements.texts.clear()
    await api.get(MESSAGES)
    few = statements.count
    await more(database, shop)
    statements.texts.clear()

    found = await api.get(MESSAGES)

    assert statements.count == few
    assert [len(one["enrichments"]) for one in found["messages"]["nodes"]] == [1] * 2 + [0] * 8


async def more(database: Database, shop: Shop) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        chat = a_chat(uow, shop, a_contact(uow, shop, "João", "+5511999990002"), "5511999990002@c.us")
        for number in range(8):
            a_message(uow, shop, chat, "Oi", external_id=f"B{number}")


async def test_nobody_else_finds_or_retries_it(
    database: Database, shop: Shop, api: Api, stranger: Api
) -> None:
    ((_, enrichment),) = await pictures(database, shop)
    await skip(database, shop, enrichment, with_file=True)
    id_ = public(EnrichmentId, enrichment.id)
    query = "query ($id: ID!) { node(id: $id) { __typename id } enrichment(id: $id) { id } }"

    assert await api.get(query, id=id_) == {
        "node": {"__typename": "Enrichment", "id": id_},
        "enrichment": {"id": id_},
    }
    assert await stranger.get(query, id=id_) == {"node": None, "enrichment": None}
    payload = (await stranger.get(RETRY, input={"id": id_}))["enrichmentRetry"]
    assert payload == {"enrichment": None, "userErrors": [{"code": "NOT_FOUND", "field": ["id"]}]}
    async with database.reading(shop.tenant_id) as reader:
        unchanged = await reader.enrichments.find(enrichment.id)
    assert unchanged is not None
    assert unchanged.due_at is None


async def test_what_was_skipped_is_tried_again(database: Database, shop: Shop, api: Api) -> None:
    ((_, enrichment),) = await pictures(database, shop)
    await skip(database, shop, enrichment, with_file=True)
    id_ = public(EnrichmentId, enrichment.id)

    payload = (await api.get(RETRY, input={"id": id_}))["enrichmentRetry"]

    assert payload == {
        "enrichment": {"status": "PENDING", "attempts": 0, "error": None, "version": 3},
        "userErrors": [],
    }
    again = (await api.get(RETRY, input={"id": id_}))["enrichmentRetry"]
    assert again == {"enrichment": None, "userErrors": [{"code": "INVALID_STATE", "field": ["id"]}]}


async def test_without_its_file_it_cannot_be_tried_again(database: Database, shop: Shop, api: Api) -> None:
    ((_, enrichment),) = await pictures(database, shop)
    await skip(database, shop, enrichment, with_file=False)

    payload = (await api.get(RETRY, input={"id": public(EnrichmentId, enrichment.id)}))["enrichmentRetry"]

    assert payload == {"enrichment": None, "userErrors": [{"code": "INVALID_STATE", "field": ["id"]}]}


@pytest.mark.parametrize(
    ("missing", "query"),
    [
        (Permission.CHATS_WRITE, RETRY),
        (Permission.CHANNELS_WRITE, BUDGET),
    ],
)
async def test_changing_needs_a_permission(
    database: Database, shop: Shop, missing: Permission, query: str
) -> None:
    viewer = replace(shop.viewer, permissions=ALL_PERMISSIONS - {missing})
    given: dict[str, Any] = {"id": public(EnrichmentId, EnrichmentId(new_id()))}
    if query is BUDGET:
        given = {"aiDailyBudgetMicrousd": 1}

    answer = await Api(database, viewer).ask(query, input=given)

    assert answer.codes == ["FORBIDDEN"]


async def test_a_budget_is_set_and_taken_back(api: Api) -> None:
    query = "{ viewer { project { aiDailyBudgetMicrousd aiUsageToday { calls } } } }"
    assert (await api.get(query))["viewer"]["project"] == {"aiDailyBudgetMicrousd": None, "aiUsageToday": []}

    for budget, version in ((5_000_000, 2), (0, 3), (None, 4)):
        payload = (await api.get(BUDGET, input={"aiDailyBudgetMicrousd": budget}))["projectSetAiBudget"]
        assert payload == {
            "project": {"aiDailyBudgetMicrousd": budget, "version": version},
            "userErrors": [],
        }

    refused = (await api.get(BUDGET, input={"aiDailyBudgetMicrousd": -1}))["projectSetAiBudget"]
    assert refused == {
        "project": None,
        "userErrors": [{"code": "INVALID", "field": ["aiDailyBudgetMicrousd"]}],
    }
    stale = {"aiDailyBudgetMicrousd": 1, "expectedVersion": 1}
    conflict = (await api.get(BUDGET, input=stale))["projectSetAiBudget"]
    assert [error["code"] for error in conflict["userErrors"]] == ["VERSION_CONFLICT"]


async def test_what_was_spent_today_is_shown_to_its_own_project(
    database: Database, shop: Shop, api: Api, stranger: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        for purpose, cost in (
            (AiPurpose.ENRICHMENT, 100),
            (AiPurpose.ENRICHMENT, None),
            (AiPurpose.AGENT, 3_000_000_000),
        ):
            await ai_usage.spend(
                uow.session,
                tenant_id=shop.tenant_id,
                project_id=shop.project_id,
                purpose=purpose,
                cost_microusd=cost,
                at=uow.now,
            )
    query = "{ viewer { project { aiUsageToday { purpose calls costMicrousd } } } }"

    assert (await api.get(query))["viewer"]["project"]["aiUsageToday"] == [
        {"purpose": "AGENT", "calls": 1, "costMicrousd": 3_000_000_000.0},
        {"purpose": "ENRICHMENT", "calls": 2, "costMicrousd": 100.0},
    ]
    assert (await stranger.get(query))["viewer"]["project"]["aiUsageToday"] == []


async def test_a_channel_says_what_is_found_out(database: Database, shop: Shop, api: Api) -> None:
    query = "{ channels { nodes { id enrichment { kinds language } } } }"
    (channel,) = (await api.get(query))["channels"]["nodes"]
    assert channel["enrichment"] == {"kinds": None, "language": None}
    update = (
        "mutation ($input: ChannelUpdateInput!) { channelUpdate(input: $input) "
        "{ channel { enrichment { kinds language } } userErrors { code field } } }"
    )

    async def change(**enrichment: object) -> Any:
        given = {"id": channel["id"], "enrichment": enrichment}
        return (await api.get(update, input=given))["channelUpdate"]

    changed = await change(kinds=["OCR", "TRANSCRIPTION", "OCR"], language="pt")
    assert changed["channel"]["enrichment"] == {"kinds": ["OCR", "TRANSCRIPTION"], "language": "pt"}
    kept = await change(kinds=[])
    assert kept["channel"]["enrichment"] == {"kinds": [], "language": "pt"}
    cleared = await change(kinds=None, language=None)
    assert cleared["channel"]["enrichment"] == {"kinds": None, "language": None}
    refused = await change(language="portuguese")
    assert refused == {
        "channel": None,
        "userErrors": [{"code": "INVALID", "field": ["enrichment", "language"]}],
    }
