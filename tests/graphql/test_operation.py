"""What surrounds every operation: one snapshot, connections given back, errors published, unfit texts refused."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.identity.permission import READ_PERMISSIONS, Permission
from persistence.crm.contacts import contact_collection
from persistence.database import Database
from persistence.paging import Listing, PageRequest
from persistence.unit_of_work import Reader
from resolvers.context import Context
from resolvers.cursors import event_cursor, parse_event_cursor
from resolvers.errors import InvalidCursor, OperationEnded
from schema.root import schema
from services.crm import contacts
from services.viewer import Viewer
from tests.factories import Shop
from tests.graphql.asking import Api, Statements
from tests.graphql.builders import CAUSE, a_contact, an_inbox


def context_of(api: Api) -> Context:
    return Context(api.installation, viewer=api.viewer, correlation_id="req-1")


async def names(reader: Reader, viewer: Viewer) -> list[str]:
    viewer.require(Permission.CONTACTS_READ)
    page = await reader.contacts.page(
        viewer.project_id, Listing(contact_collection.default_order), PageRequest(10)
    )
    return [contact.name for contact in page.items]


async def test_all_reads_of_an_operation_see_one_snapshot_until_it_writes(
    database: Database, shop: Shop, api: Api
) -> None:
    context = context_of(api)
    assert await context.read(names) == []
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        a_contact(uow, shop, "Maria")

    assert await context.read(names) == []
    await context.write(contacts.create, name="João", phone=None)
    assert await context.read(names) == ["João", "Maria"]
    await context.close()


async def test_an_operation_that_reads_nothing_opens_nothing(api: Api, statements: Statements) -> None:
    statements.texts.clear()

    await api.get("{ viewer { name permissions } __typename }")

    assert statements.texts == []


async def test_a_closed_context_refuses_to_read_and_write(api: Api) -> None:
    context = context_of(api)
    await context.read(names)
    await context.close()

    with pytest.raises(OperationEnded):
        await context.read(names)
    with pytest.raises(OperationEnded):
        await context.write(contacts.create, name="x", phone=None)


async def test_a_cancelled_operation_gives_its_connection_back(database: Database, api: Api) -> None:
    started = asyncio.Event()

    async def slow(reader: Reader, _viewer: Viewer) -> None:
        connection = await reader.session.connection()
        started.set()
        await connection.exec_driver_sql("SELECT pg_sleep(30)")

    context = context_of(api)

    async def operation() -> None:
        try:
            await context.read(slow)
        finally:
            await asyncio.shield(context.close())

    task = asyncio.create_task(operation())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # A QueuePool.
    assert await api.get("{ contacts { totalCount } }") == {"contacts": {"totalCount": 0}}


async def test_mutations_never_hold_two_connections(database: Database, api: Api) -> None:
    """As many at once as the pool has connections: none waits for a second one."""
    query = """mutation ($name: String!) {
      a: contactCreate(input: {name: $name}) { contact { chats { totalCount } } }
      b: contactCreate(input: {name: $name}) { contact { chats { totalCount } } }
    }"""

    answers = await asyncio.gather(*(api.ask(query, name=f"n{number}") for number in range(20)))

    assert [answer.errors for answer in answers] == [[]] * 20


async def test_the_event_cursor_stands_where_the_snapshot_stands(
    database: Database, shop: Shop, api: Api
) -> None:
    before = (await api.get("{ eventCursor }"))["eventCursor"]
    assert parse_event_cursor(before) == 0
    await database.system.execute(
        """
        INSERT INTO event_log (position, tenant_prev, event_id, tenant_id, aggregate_type, aggregate_id, aggregate_version,
            event_type, schema_version, payload, headers, created_at)
        VALUES (7, 0, gen_random_uuid(), $1, 'chat', gen_random_uuid(), 1, 'chat.created', 1, '{}', '{}', now())
        """,
        shop.tenant_id,
    )

    assert (await api.get("{ eventCursor }"))["eventCursor"] == event_cursor(7)


def test_event_cursors_read_back_and_nothing_else_does() -> None:
    for position in (0, 1, 2**40, 2**63 - 1):
        assert parse_event_cursor(event_cursor(position)) == position
    good = event_cursor(5)
    for bad in ("", "x", good[:-1], good + "A", good.swapcase(), "é", "A" * 5000):
        with pytest.raises(InvalidCursor):
            parse_event_cursor(bad)


UNFIT = ["\x00", "a\x00b", "\ud800", "x\udfffy"]


@pytest.mark.parametrize("text", UNFIT)
async def test_unfit_text_in_variables_is_refused_before_anything_runs(
    api: Api, statements: Statements, text: str
) -> None:
    statements.texts.clear()

    for variables in (
        {"input": {"name": text}},
        {"input": {"name": "x", "tags": ["ok", text]}},
        {"input": {"name": "x", "customFields": [{"key": text, "value": "v"}]}},
        {"input": {"name": "x"}, "other": {text: 1}},
    ):
        answer = await api.ask(
            "mutation ($input: ContactCreateInput!) { contactCreate(input: $input) { contact { id } } }",
            **variables,
        )
        assert answer.codes == ["BAD_USER_INPUT"]
        assert answer.data is None
    assert statements.texts == []


@pytest.mark.parametrize("literal", [r'"a\u0000b"', '"a\x00b"', r'"\u{0}"', '"""block \x00"""'])
async def test_unfit_text_in_literals_is_refused(api: Api, statements: Statements, literal: str) -> None:
    statements.texts.clear()

    answer = await api.ask(f"{{ contacts(search: {literal}) {{ totalCount }} }}")

    assert answer.codes in (["BAD_USER_INPUT"], ["GRAPHQL_PARSE_FAILED"])
    assert statements.texts == []


@pytest.mark.parametrize("literal", [r'"\u00e9"', r'"\u{1F600}"', r'"\ud83d\ude00"', '"😀"'])
async def test_other_characters_are_taken_however_they_are_written(api: Api, literal: str) -> None:
    await api.get(f"{{ contacts(search: {literal}) {{ totalCount }} }}")


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{ contacts {", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ contacts(first: 5.5) { totalCount } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ('{ contactByAddress(phone: "12") { id } }', {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int) { contacts(first: $n) { totalCount } }", {"n": "5"}, "BAD_USER_INPUT"),
        ("query ($n: Int) { contacts(first: $n) { totalCount } }", {"n": 2**31}, "BAD_USER_INPUT"),
        ("query ($p: PhoneNumber) { contactByAddress(phone: $p) { id } }", {"p": "12"}, "BAD_USER_INPUT"),
        ('{ chat(id: "x") { id } }', {}, "INVALID_ID"),
        ("{ contacts(first: 0) { totalCount } }", {}, "INVALID_PAGINATION"),
        ('{ contacts(after: "x") { totalCount } }', {}, "INVALID_CURSOR"),
    ],
)
async def test_errors_have_a_code_the_requests_id_and_whether_to_retry(
    api: Api, query: str, variables: dict[str, Any], code: str
) -> None:
    (error,) = (await api.ask(query, **variables)).errors

    assert error["extensions"] == {"code": code, "requestId": "req-1", "retryable": False}


async def test_a_field_that_does_not_exist_is_not_answered_with_guesses(api: Api) -> None:
    (error,) = (await api.ask("{ contactz { id } }")).errors

    assert error["message"] == "Cannot query field 'contactz' on type 'Query'."


DETAIL = "secret " + "detail"


class Broken(Database):
    """A database that fails in ways whose details are nobody's business."""

    def reading(self, tenant_id: object) -> Any:
        raise RuntimeError(DETAIL, tenant_id)


async def test_bugs_are_masked_and_logged_without_what_people_wrote(database: Database, shop: Shop) -> None:
    broken = Api(Broken(database.url, clock=database.clock), shop.viewer)

    with capture_logs() as logs:
        (error,) = (await broken.ask('{ contacts(search: "private words") { totalCount } }')).errors

    assert error["message"] == "Something went wrong on our side; quote the request id when you report it."
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "req-1", "retryable": False}
    (entry,) = logs
    assert (entry["event"], entry["code"], entry["error"], entry["request_id"], entry["path"]) == (
        "graphql.failed", "INTERNAL", "RuntimeError", "req-1", ["contacts"],
    )  # fmt: skip
    assert "secret detail" not in json.dumps(logs, default=str)
    assert "private words" not in json.dumps(logs, default=str)


async def test_a_database_that_is_away_is_unavailable_and_worth_a_retry(
    shop: Shop, database: Database
) -> None:
    away = Api(Database("postgresql://postgres@127.0.0.1:9/none", clock=database.clock), shop.viewer)

    (error,) = (await away.ask("{ contacts { totalCount } }")).errors

    assert error["extensions"] == {"code": "UNAVAILABLE", "requestId": "req-1", "retryable": True}


EDGES = {
    Permission.CONTACTS_READ: ["{ contacts { nodes { id } } }", "{ chats { nodes { contact { id } } } }", "{ messages { nodes { author { __typename } } } }", "{ chats { nodes { participants { nodes { id } } } } }"],
    Permission.CHATS_READ: ["{ chats { nodes { id } } }", "{ contacts { nodes { chats { nodes { id } } } } }", "{ messages { nodes { chat { id } } } }"],
    Permission.SESSIONS_READ: ["{ sessions { nodes { id } } }", "{ chats { nodes { activeSession { id } } } }", "{ messages { nodes { session { id } } } }", "{ agents { nodes { id } } }"],
    Permission.MESSAGES_READ: ["{ messages { nodes { id } } }", "{ chats { nodes { messages { nodes { id } } } } }", "{ sessions { nodes { messages { nodes { id } } } } }"],
    Permission.CHANNELS_READ: ["{ channels { nodes { id } } }", "{ chats { nodes { channel { id } } } }", "{ pipelines { nodes { id } } }"],
    Permission.EVENTS_READ: ["{ eventCursor }"],
    Permission.API_KEYS_WRITE: ["{ apiKeys { nodes { id } } }"],
}  # fmt: skip


@pytest.mark.parametrize("lacking", EDGES, ids=lambda permission: permission.value)
async def test_without_a_permission_no_path_leads_to_what_it_guards(
    database: Database, shop: Shop, lacking: Permission
) -> None:
    await an_inbox(database, shop, chats=1, messages=1)
    permissions = (READ_PERMISSIONS | {Permission.API_KEYS_WRITE}) - {lacking}
    viewer = Viewer(
        id=shop.viewer.id,
        name="partial",
        tenant_id=shop.tenant_id,
        project_id=shop.project_id,
        permissions=permissions,
    )

    for query in EDGES[lacking]:
        assert set((await Api(database, viewer).ask(query)).codes) == {"FORBIDDEN"}, query


async def test_one_socket_shares_no_context_between_operations(api: Api) -> None:
    """Strawberry hands one context to all operations of a socket; each still reads its own snapshot."""
    shared = context_of(api)

    first, second = await asyncio.gather(
        *(schema.execute("{ contacts { totalCount } }", context_value=shared) for _ in range(2))
    )

    assert first.errors is second.errors is None
    assert shared._reader is None
