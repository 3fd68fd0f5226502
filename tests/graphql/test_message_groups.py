"""Bursts through the API: read, filtered, hurried, stopped; how channels group them; and warnings of sessions' ends."""

from dataclasses import replace
from typing import Any

import pytest

from domain.identity.permission import ALL_PERMISSIONS, Permission
from domain.ids import MessageGroupId, new_id
from persistence.database import Database
from resolvers.ids import public
from services.viewer import Viewer
from tests.bursts import Counter, Moment, instant
from tests.factories import Shop, end_overdue_sessions, open_shop
from tests.graphql.asking import Api
from tests.graphql.test_other_mutations import codes, run
from tests.waha import JOAO, MARIA

GROUPS = """
query ($where: MessageGroupWhere, $first: Int, $after: String) {
  messageGroups(where: $where, first: $first, after: $after) {
    totalCount pageInfo { endCursor hasNextPage }
    nodes { id status cancelReason messageCount text }
  }
}
"""
WHOLE = """
query ($id: ID!) {
  messageGroup(id: $id) {
    status cancelReason chat { id } channel { name } contact { name } session { messageCount }
    messages { text group { id } } messageCount text parts { kind text message { text } }
    openedAt expiresAt deadlineAt flushedAt settledAt attempts error version
  }
}
"""


@pytest.fixture
async def counter(database: Database, shop: Shop) -> Counter:
    """Maria wrote two messages in a burst."""
    clock = Moment()
    database.clock = clock
    counter = Counter(database, shop, clock)
    await counter.say("Oi", at=0)
    await counter.say("tudo bem?", at=10)
    return counter


async def group_id(counter: Counter, status: str = "PENDING") -> str:
    query = "SELECT id FROM message_groups WHERE status = $1"
    return public(MessageGroupId, await counter.value(query, status))


async def test_a_burst_shows_when_it_ends_and_then_what_it_says(counter: Counter, api: Api) -> None:
    id_ = await group_id(counter)
    before = (await api.get(WHOLE, id=id_))["messageGroup"]

    assert before | {"chat": None} == {
        "status": "PENDING",
        "cancelReason": None,
        "chat": None,
        "channel": {"name": "WhatsApp"},
        "contact": {"name": MARIA.name},
        "session": {"messageCount": 2},
        "messages": [{"text": "Oi", "group": {"id": id_}}, {"text": "tudo bem?", "group": {"id": id_}}],
        "messageCount": 2,
        "text": None,
        "parts": [],
        "openedAt": "2026-07-14T03:33:20.000000Z",
        "expiresAt": "2026-07-14T03:33:45.000000Z",
        "deadlineAt": "2026-07-14T03:34:20.000000Z",
        "flushedAt": None,
        "settledAt": None,
        "attempts": 0,
        "error": None,
        "version": 2,
    }
    await counter.work(at=25)
    after = (await api.get(WHOLE, id=id_))["messageGroup"]
    assert {name: after[name] for name in ("status", "text", "parts", "expiresAt", "attempts")} == {
        "status": "COMPLETED",
        "text": "Oi tudo bem?",
        "parts": [
            {"kind": "TEXT", "text": "Oi", "message": {"text": "Oi"}},
            {"kind": "TEXT", "text": "tudo bem?", "message": {"text": "tudo bem?"}},
        ],
        "expiresAt": None,
        "attempts": 1,
    }
    assert after["flushedAt"] == after["settledAt"] == "2026-07-14T03:33:45.000000Z"


async def test_bursts_are_listed_newest_first_and_filtered(counter: Counter, api: Api) -> None:
    await counter.work(at=25)
    await counter.say("Preço?", at=30, by=JOAO)
    await counter.say("Alô", at=40)

    page = (await api.get(GROUPS, first=2))["messageGroups"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    rest = (await api.get(GROUPS, first=2, after=page["pageInfo"]["endCursor"]))["messageGroups"]
    assert [one["messageCount"] for one in page["nodes"] + rest["nodes"]] == [1, 1, 2]

    async def count(where: dict[str, object]) -> int:
        found: int = (await api.get(GROUPS, where=where))["messageGroups"]["totalCount"]
        return found

    contact = (await api.get('{ contacts(where: {name: {eq: "João Exemplo"}}) { nodes { id } } }'))[
        "contacts"
    ]["nodes"][0]["id"]
    assert await count({"status": {"eq": "COMPLETED"}}) == 1
    assert await count({"status": {"in": ["PENDING"]}, "contactId": {"eq": contact}}) == 1
    assert await count({"cancelReason": {"eq": "HUMAN_REPLY"}}) == 0
    assert await count({"openedAt": {"gte": "2026-07-14T03:33:50Z"}}) == 2
    chats = await api.get("{ chats { nodes { messageGroups { totalCount nodes { messageCount } } } } }")
    assert sorted(one["messageGroups"]["totalCount"] for one in chats["chats"]["nodes"]) == [1, 2]


async def test_a_burst_is_hurried(counter: Counter, api: Api) -> None:
    id_ = await group_id(counter)
    counter.clock.go(12)

    payload = await run(api, "messageGroupFlush", "messageGroup { status expiresAt }", id=id_)

    assert payload == {
        "messageGroup": {"status": "PENDING", "expiresAt": "2026-07-14T03:33:32.000000Z"},
        "userErrors": [],
    }
    assert await counter.work() == ["Oi tudo bem?"]
    payload = await run(api, "messageGroupFlush", "messageGroup { status }", id=id_)
    assert (payload["messageGroup"], codes(payload)) == (None, [("INVALID_STATE", ["id"])])


async def test_a_burst_is_stopped_before_and_while_it_is_worked_on(counter: Counter, api: Api) -> None:
    first = await group_id(counter)
    await counter.claim(at=25)
    await counter.say("Alô", at=26)
    for id_ in (first, await group_id(counter)):
        payload = await run(api, "messageGroupCancel", "messageGroup { status cancelReason }", id=id_)
        assert payload == {
            "messageGroup": {"status": "CANCELLED", "cancelReason": "REQUESTED"},
            "userErrors": [],
        }
    assert await counter.claim(at=100) == []
    payload = await run(api, "messageGroupCancel", "messageGroup { id }", id=first)
    assert codes(payload) == [("INVALID_STATE", ["id"])]


@pytest.mark.parametrize("mutation", ["messageGroupFlush", "messageGroupCancel"])
async def test_what_is_asked_for_wrongly_is_said(counter: Counter, api: Api, mutation: str) -> None:
    id_ = await group_id(counter)
    missing = public(MessageGroupId, MessageGroupId(new_id()))

    stale = await run(api, mutation, "messageGroup { id }", id=id_, expectedVersion=1)
    unknown = await run(api, mutation, "messageGroup { id }", id=missing)
    answer = await api.ask(
        f"mutation ($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ userErrors {{ code }} }} }}", id="chat_1"
    )

    assert [code for code, _ in codes(stale)] == ["VERSION_CONFLICT"]
    assert [code for code, _ in codes(unknown)] == ["NOT_FOUND"]
    assert answer.codes == ["INVALID_ID"]
    assert await counter.groups() == [("PENDING", None, "Oi tudo bem?")]


async def test_tenants_see_only_their_bursts(counter: Counter, api: Api, stranger: Api) -> None:
    id_ = await group_id(counter)

    assert (await stranger.get(GROUPS))["messageGroups"]["totalCount"] == 0
    assert (await stranger.get(WHOLE, id=id_))["messageGroup"] is None
    assert (await stranger.get("query ($id: ID!) { node(id: $id) { id } }", id=id_))["node"] is None
    for mutation in ("messageGroupFlush", "messageGroupCancel"):
        payload = await run(stranger, mutation, "messageGroup { id }", id=id_)
        assert [code for code, _ in codes(payload)] == ["NOT_FOUND"]
    node = await api.get("query ($id: ID!) { node(id: $id) { __typename id } }", id=id_)
    assert node["node"] == {"__typename": "MessageGroup", "id": id_}


async def test_reading_needs_one_permission_and_changing_another(
    counter: Counter, database: Database, shop: Shop
) -> None:
    id_ = await group_id(counter)
    blind = Api(database, _without(shop.viewer, Permission.MESSAGES_READ))
    bound = Api(database, _without(shop.viewer, Permission.CHATS_WRITE))

    assert (await blind.ask(GROUPS)).codes == ["FORBIDDEN"]
    assert (await bound.get(GROUPS))["messageGroups"]["totalCount"] == 1
    for mutation in ("messageGroupFlush", "messageGroupCancel"):
        answer = await bound.ask(
            f"mutation ($id: ID!) {{ {mutation}(input: {{id: $id}}) {{ userErrors {{ code }} }} }}", id=id_
        )
        assert answer.codes == ["FORBIDDEN"]


def _without(viewer: Viewer, permission: Permission) -> Viewer:
    return replace(viewer, permissions=ALL_PERMISSIONS - {permission})


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"debounceTimeoutMs": -1}, ["debounceTimeoutMs"]),
        ({"debounceTimeoutMs": 300_001}, ["debounceTimeoutMs"]),
        ({"grouping": {"maxMessages": 0}}, ["grouping", "maxMessages"]),
        ({"grouping": {"maxMessages": 201}}, ["grouping", "maxMessages"]),
        ({"grouping": {"maxDurationMs": 999}}, ["grouping", "maxDurationMs"]),
        ({"grouping": {"maxDurationMs": 900_001}}, ["grouping", "maxDurationMs"]),
        ({"grouping": {"enrichmentTimeoutMs": 300_001}}, ["grouping", "enrichmentTimeoutMs"]),
        ({"sessionWarningSeconds": 0}, ["sessionWarningSeconds"]),
        ({"sessionWarningSeconds": 86_401}, ["sessionWarningSeconds"]),
        ({"takeoverPauseSeconds": -1}, ["takeoverPauseSeconds"]),
    ],
)
async def test_settings_out_of_range_are_refused_by_name(
    api: Api, given: dict[str, Any], field: list[str]
) -> None:
    (channel,) = (await api.get("{ channels { nodes { id version } } }"))["channels"]["nodes"]

    payload = await run(api, "channelUpdate", "channel { id }", id=channel["id"], **given)

    assert (payload["channel"], codes(payload)) == (None, [("INVALID", field)])
    value = next(iter(given["grouping"].values())) if "grouping" in given else next(iter(given.values()))
    assert f"{'.'.join(field)} is {value}; it must be between" in payload["userErrors"][0]["message"]
    assert (await api.get("{ channels { nodes { id version } } }"))["channels"]["nodes"] == [channel]


async def test_settings_are_taken_over_and_null_is_the_default(api: Api) -> None:
    (channel,) = (await api.get("{ channels { nodes { id } } }"))["channels"]["nodes"]
    shows = "channel { debounceTimeoutMs grouping { maxMessages maxDurationMs hasGroupChats } }"
    given = {"debounceTimeoutMs": 0, "grouping": {"maxMessages": 200, "maxDurationMs": 900_000}}

    first = await run(api, "channelUpdate", shows, id=channel["id"], **given)
    second = await run(
        api, "channelUpdate", shows, id=channel["id"], grouping={"maxMessages": None, "hasGroupChats": True}
    )
    third = await run(api, "channelUpdate", shows, id=channel["id"], grouping=None)

    assert first["channel"] == {
        "debounceTimeoutMs": 0,
        "grouping": {"maxMessages": 200, "maxDurationMs": 900_000, "hasGroupChats": False},
    }
    assert second["channel"]["grouping"] == {
        "maxMessages": 50,
        "maxDurationMs": 900_000,
        "hasGroupChats": True,
    }
    assert third["channel"]["grouping"]["hasGroupChats"] is False


# -- Warnings before sessions end.


WARNED = "SELECT payload->>'timeout_at' FROM outbox WHERE event_type = 'session.expiring' ORDER BY id"


@pytest.fixture
async def warned(database: Database) -> Counter:
    """A channel whose sessions last ten minutes and warn two minutes before."""
    clock = Moment()
    database.clock = clock
    counter = Counter(database, await open_shop(database, session_timeout_seconds=600), clock)
    await counter.configure(session_warning_seconds=120)
    await counter.say("Oi", at=0)
    return counter


async def warnings(counter: Counter, *, at: float) -> list[str]:
    counter.clock.go(at)
    await end_overdue_sessions(counter.database)
    return [row[0] for row in await counter.database.system.fetch(WARNED)]


async def test_a_session_warns_once_before_it_ends(warned: Counter) -> None:
    end = instant(600).isoformat().replace("+00:00", "Z")
    assert await warnings(warned, at=479) == []
    assert await warnings(warned, at=480) == [end]
    assert await warnings(warned, at=599) == [end]
    assert await warned.value("SELECT status FROM sessions") == "ACTIVE"
    assert await warnings(warned, at=601) == [end]
    assert await warned.rows("SELECT status, ended_at FROM sessions") == [("ENDED", instant(0))]


async def test_activity_takes_the_warning_back(warned: Counter) -> None:
    assert len(await warnings(warned, at=500)) == 1
    await warned.say("Ainda aqui", at=510)
    assert len(await warnings(warned, at=601)) == 1
    assert await warned.value("SELECT status FROM sessions") == "ACTIVE"
    found = await warnings(warned, at=510 + 480)
    assert found[1:] == [instant(1110).isoformat().replace("+00:00", "Z")]
    assert await warned.rows("SELECT status FROM sessions") == [("ACTIVE",)]


async def test_a_late_message_takes_no_warning_back(warned: Counter) -> None:
    await warned.say("Depois", at=100)
    assert len(await warnings(warned, at=580)) == 1
    await warned.hear(warned.script.message("LATE", text="Antes", at=50), at=590)

    assert len(await warnings(warned, at=600)) == 1


async def test_a_session_that_is_found_too_late_ends_without_a_warning(warned: Counter) -> None:
    assert await warnings(warned, at=700) == []
    assert await warned.value("SELECT status FROM sessions") == "ENDED"


async def test_without_a_setting_no_session_warns(warned: Counter) -> None:
    await warned.configure(session_warning_seconds=None)
    await warned.say("Oi", at=0, by=JOAO)

    assert len(await warnings(warned, at=599)) == 1, "Only the session that began before."
