"""Scheduled messages through the API: left, listed, changed, cancelled, and hidden from others."""

from datetime import timedelta

import pytest

from domain.ids import ChannelId
from resolvers.ids import public
from tests.factories import CLOCK, Shop
from tests.graphql.asking import Api
from tests.graphql.test_other_mutations import codes, run

SHOWS = "scheduledMessage { id status to late version content { ... on TextContent { text } } author { __typename } }"
LIST = """
query ($where: ScheduledMessageWhere) {
  scheduledMessages(where: $where) { totalCount nodes { id status channel { name } chat { id } message { id } } }
}
"""


def soon(seconds: float = 3600) -> str:
    return (CLOCK.now() + timedelta(seconds=seconds)).isoformat()


def a_message(shop: Shop, **more: object) -> dict[str, object]:
    channel = public(ChannelId, shop.channel_id)
    where = {"to": "+5511999990001", "channelId": channel}
    return {"content": {"text": {"text": "Bom dia"}}, "sendAt": soon()} | where | more


async def test_a_message_is_scheduled_changed_and_cancelled(api: Api, shop: Shop) -> None:
    given = a_message(shop, clientMessageId="order-7")
    first = await run(api, "messageSchedule", SHOWS, **given)
    again = await run(api, "messageSchedule", SHOWS, **given)
    one = first["scheduledMessage"]
    assert again == first
    assert one | {"id": ""} == {
        "id": "",
        "status": "SCHEDULED",
        "to": "+5511999990001",
        "late": "SEND_LATE",
        "version": 1,
        "content": {"text": "Bom dia"},
        "author": {"__typename": "HumanAgent"},
    }
    content = {"text": {"text": "Boa tarde"}}
    changed = await run(api, "messageScheduleUpdate", SHOWS, id=one["id"], content=content, expectedVersion=1)
    assert changed["scheduledMessage"]["content"] == {"text": "Boa tarde"}
    stale = await run(api, "messageScheduleCancel", SHOWS, id=one["id"], expectedVersion=1)
    assert codes(stale) == [("VERSION_CONFLICT", ["expectedVersion"])]
    gone = await run(api, "messageScheduleCancel", SHOWS, id=one["id"])
    assert gone["scheduledMessage"]["status"] == "CANCELLED"
    twice = await run(api, "messageScheduleCancel", SHOWS, id=one["id"])
    assert codes(twice) == [("INVALID_STATE", ["id"])]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"sendAt": soon(-5)}, ("INVALID", ["sendAt"])),
        ({"late": "SKIP"}, ("REQUIRED", ["expiresAfterSeconds"])),
        ({"expiresAfterSeconds": 5}, ("INVALID", ["expiresAfterSeconds"])),
        ({"content": {"text": {"text": " "}}}, ("REQUIRED", ["content", "text", "text"])),
        ({"to": None}, ("REQUIRED", ["chatId"])),
    ],
)
async def test_what_is_wrong_is_said_by_name(
    api: Api, shop: Shop, more: dict[str, object], error: tuple[str, list[str]]
) -> None:
    assert codes(await run(api, "messageSchedule", SHOWS, **a_message(shop, **more))) == [error]
    assert (await api.get(LIST))["scheduledMessages"]["totalCount"] == 0


async def test_tenants_see_only_their_own(api: Api, stranger: Api, shop: Shop) -> None:
    one = (await run(api, "messageSchedule", SHOWS, **a_message(shop)))["scheduledMessage"]
    ours = (await api.get(LIST, where={"status": {"eq": "SCHEDULED"}}))["scheduledMessages"]
    assert [node["id"] for node in ours["nodes"]] == [one["id"]]
    assert (await stranger.get(LIST))["scheduledMessages"]["totalCount"] == 0
    assert (await stranger.get("query ($id: ID!) { node(id: $id) { id } }", id=one["id"]))["node"] is None
    assert codes(await run(stranger, "messageScheduleCancel", SHOWS, id=one["id"])) == [("NOT_FOUND", ["id"])]
