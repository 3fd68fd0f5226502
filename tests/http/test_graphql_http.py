"""GraphQL over HTTP: what each kind of request is answered, and with which status."""

import gzip
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from domain.identity.api_key import ApiKey
from persistence.database import Database
from persistence.events import Cause
from tests.factories import Shop, open_shop
from tests.http.graphql_app import endpoints

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
VIEWER = "{ viewer { name } }"


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


@pytest.fixture
async def client(database: Database) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=Starlette(routes=endpoints(database, None).routes()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def headers(shop: Shop, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {shop.api_key}", "content-type": JSON, **more}


async def post(
    client: httpx2.AsyncClient, shop: Shop, query: str, *, accept: str = RESPONSE, **others: object
) -> httpx2.Response:
    body = json.dumps({"query": query, **others})
    return await client.post("/graphql", content=body, headers=headers(shop, accept=accept))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (RESPONSE, RESPONSE),
        (f"{RESPONSE}, {JSON};q=0.9", RESPONSE),
        (f"{JSON}, {RESPONSE}", RESPONSE),
        (f"{RESPONSE};q=0.5, {JSON}", JSON),
        (f"{RESPONSE}, {JSON}, text/event-stream, multipart/mixed", RESPONSE),
        ("multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json", JSON),
    ],
)
async def test_an_answer_has_the_media_type_the_client_prefers(
    client: httpx2.AsyncClient, shop: Shop, accept: str | None, media_type: str
) -> None:
    given = headers(shop, **({} if accept is None else {"accept": accept}))
    if accept is None:
        client.headers.pop("accept")

    answer = await client.post("/graphql", content=json.dumps({"query": VIEWER}), headers=given)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.json()["data"] == {"viewer": {"name": "tests"}}
    assert answer.json()["extensions"]["cost"] == {"requested": 1, "max": 1000}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("query", "others", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ viewre }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: ID!) { node(id: $id) { id } }", {}, "BAD_USER_INPUT"),
        ("query ($id: ID!) { node(id: $id) { id } }", {"variables": {"id": {}}}, "BAD_USER_INPUT"),
        ("{ chats(first: 100) { nodes { messages(first: 100) { nodes { id } } } } }", {}, "QUERY_TOO_COSTLY"),
        ("{ " + "a { " * 13 + "a" + " }" * 14, {}, "QUERY_TOO_DEEP"),
        ("{ " + "viewer { name } " * 1000 + "}", {}, "QUERY_TOO_COSTLY"),
    ],
)
async def test_a_document_that_cannot_be_executed_is_refused_without_data(
    client: httpx2.AsyncClient, shop: Shop, query: str, others: dict[str, object], code: str
) -> None:
    new = await post(client, shop, query, **others)
    old = await post(client, shop, query, accept=JSON, **others)

    assert (new.status_code, old.status_code) == (400, 200)
    for answer in (new, old):
        assert "data" not in answer.json()
        (error, *_) = answer.json()["errors"]
        assert error["extensions"]["code"] == code
        assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
        assert "Did you mean" not in error["message"]


@pytest.mark.parametrize(
    ("body", "more", "status"),
    [
        (b"null", {}, 400),
        (b"1", {}, 400),
        (b'"x"', {}, 400),
        (b"[]", {}, 400),
        (b'[{"query": "{ viewer { name } }"}]', {}, 400),
        (b"{}", {}, 400),
        (b"", {}, 400),
        (b'{"query": null}', {}, 400),
        (b'{"query": 1}', {}, 400),
        (b'{"query": " "}', {}, 400),
        (b'{"query": "{ viewer { name } }", "variables": []}', {}, 400),
        (b'{"query": "{ viewer { name } }", "variables": "{}"}', {}, 400),
        (b'{"query": "{ viewer { name } }", "variables": {"a": NaN}}', {}, 400),
        (b'{"query": "{ viewer { name } }", "operationName": 1}', {}, 400),
        (b'{"query": "{ viewer { name } }", "extensions": "x"}', {}, 400),
        (b'{"query": "{ viewer { name } }", "operationName": "Missing"}', {}, 400),
        (b'{"query": "query A { viewer { name } } query B { viewer { name } }"}', {}, 400),
        (b'{"query": "fragment F on Query { viewer { name } }"}', {}, 400),
        (b'{"query": "subscription { events { id } }"}', {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[" * 100_000, {}, 400),
        (
            b'{"query": "{ viewer { name } }", "variables": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
            {},
            400,
        ),
        (b'{"query": "' + b"x" * 1_048_577 + b'"}', {}, 413),
        (gzip.compress(b'{"query": "{ viewer { name } }"}'), {"content-encoding": "gzip"}, 415),
        (b'{"query": "{ viewer { name } }"}', {"content-type": "text/plain"}, 415),
        (b'{"query": "{ viewer { name } }"}', {"content-type": "application/jsonx"}, 415),
        (b'{"query": "{ viewer { name } }"}', {"content-type": "application/json; charset=utf-16"}, 415),
        (b"query=%7Bviewer%7Bname%7D%7D", {"content-type": "application/x-www-form-urlencoded"}, 415),
        (b'{"query": "{ viewer { name } }"}', {"accept": "text/plain"}, 406),
        (b'{"query": "{ viewer { name } }"}', {"content-type": 'application/json; charset="UTF-8"'}, 200),
        (b'{"query": "{ viewer { name } }", "operationName": "", "variables": null}', {}, 200),
    ],
)
async def test_a_request_is_answered_with_its_status(
    client: httpx2.AsyncClient, shop: Shop, body: bytes, more: dict[str, str], status: int
) -> None:
    for accept in (JSON, RESPONSE):
        answer = await client.post("/graphql", content=body, headers={**headers(shop, accept=accept), **more})

        assert answer.status_code == status, answer.text
        if status != 200:
            assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_body_that_grows_too_large_is_refused_while_it_comes(
    client: httpx2.AsyncClient, shop: Shop
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    answer = await client.post("/graphql", content=endless(), headers=headers(shop))

    assert answer.status_code == 413
    assert sent < 2 * 1024 * 1024


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic dXNlcjpwYXNz",
        "Bearer vk_" + "x" * 43,
        "Bearer vk_" + "x" * 4000,
        "Bearer \u00e9",
    ],
)
async def test_without_a_valid_credential_nothing_is_answered(
    client: httpx2.AsyncClient, shop: Shop, given: str | None
) -> None:
    sent = {name: value.encode("latin-1") for name, value in headers(shop).items() if name != "authorization"}
    if given is not None:
        sent["authorization"] = given.encode("latin-1")

    answer = await client.post("/graphql", content=b"not even JSON", headers=sent)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="ventros"'
    error = answer.json()["errors"][0]
    assert error["message"] == "Send a valid API key: Authorization: Bearer <key>."
    assert error["extensions"] == {
        "code": "UNAUTHENTICATED",
        "requestId": answer.headers["x-request-id"],
        "retryable": False,
    }


async def test_a_revoked_key_stops_working_within_seconds(
    client: httpx2.AsyncClient, shop: Shop, database: Database, cause: Cause
) -> None:
    assert (await post(client, shop, VIEWER)).status_code == 200
    async with database.writing(shop.tenant_id, cause) as uow:
        key: ApiKey = await uow.api_keys.get_for_update(shop.viewer.id)
        key.revoke(at=uow.now)

    statuses = {200}
    while 401 not in statuses:
        statuses.add((await post(client, shop, VIEWER)).status_code)


async def test_get_answers_queries_and_nothing_else(client: httpx2.AsyncClient, shop: Shop) -> None:
    async def get(query: str, **more: str) -> httpx2.Response:
        return await client.get(
            "/graphql", params={"query": query, **more}, headers={**headers(shop), "accept": RESPONSE}
        )

    assert (await get(VIEWER)).json()["data"] == {"viewer": {"name": "tests"}}
    named = await get("query ($id: ID!) { node(id: $id) { id } }", variables='{"id": "nobody"}')
    assert (named.status_code, named.json()["data"]) == (200, {"node": None})
    assert (await get(VIEWER, variables="{")).status_code == 400
    assert (await get("")).status_code == 400
    for query in ("mutation { chatClose(input: {id: 1}) { chat { id } } }", "subscription { events { id } }"):
        refused = await get(query)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_not_allowed(client: httpx2.AsyncClient, shop: Shop, method: str) -> None:
    answer = await client.request(method, "/graphql", headers=headers(shop))

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_browser_gets_a_page_that_may_speak_to_us_only(client: httpx2.AsyncClient) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    answer = await client.get("/graphql", headers={"accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    for name in (
        "graphiql-4.1.2.min.js",
        "graphiql-4.1.2.min.css",
        "react-18.3.1.min.js",
        "page.js",
        "page.css",
    ):
        assert f"/graphql/assets/{name}" in answer.text
        asset = await client.get(f"/graphql/assets/{name}")
        assert (asset.status_code, asset.headers["x-content-type-options"]) == (200, "nosniff")
    for name in ("..%2fpage.py", "index.html", "nothing.js"):
        assert (await client.get(f"/graphql/assets/{name}")).status_code == 404


async def test_a_client_with_a_key_gets_data_even_if_it_likes_pages(
    client: httpx2.AsyncClient, shop: Shop
) -> None:
    answer = await client.get(
        "/graphql", params={"query": VIEWER}, headers={**headers(shop), "accept": "text/html,*/*;q=0.8"}
    )

    assert answer.json()["data"] == {"viewer": {"name": "tests"}}


async def test_a_fan_out_of_fragments_is_refused_before_it_is_validated(
    client: httpx2.AsyncClient, shop: Shop
) -> None:
    links = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(30))
    query = "{ ...F0 } " + links + "fragment F30 on Query { viewer { name } }"

    answer = await post(client, shop, query)

    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == "QUERY_TOO_COSTLY"
    assert error["message"] == (
        "The operation has 2,147,483,648 fields, fragments written out, at most 5,000 are allowed."
    ).replace("out, at", "out; at")


async def test_too_many_mutations_aliases_or_directives_are_refused(
    client: httpx2.AsyncClient, shop: Shop
) -> None:
    close = 'chatClose(input: {chatId: "cht_1"}) { chat { id } }'
    for query in (
        "mutation { " + " ".join(f"a{n}: {close}" for n in range(11)) + " }",
        "{ " + " ".join(f"a{n}: viewer {{ name }}" for n in range(31)) + " }",
        "{ " + " ".join("viewer { name @include(if: true) }" for n in range(21)) + " }",
        "{ ..." * 400 + " { viewer { name } } " + "}" * 400,
    ):
        answer = await post(client, shop, query)

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"]["code"] in {
            "QUERY_TOO_COSTLY",
            "QUERY_TOO_DEEP",
            "GRAPHQL_PARSE_FAILED",
        }


async def test_the_whole_schema_can_be_introspected(client: httpx2.AsyncClient, shop: Shop) -> None:
    from graphql import get_introspection_query

    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )

    answer = await post(client, shop, query)

    assert answer.status_code == 200
    assert "errors" not in answer.json()
    assert answer.json()["data"]["__schema"]["subscriptionType"]["name"] == "Subscription"


async def test_a_callers_request_id_comes_back(client: httpx2.AsyncClient, shop: Shop) -> None:
    body = json.dumps({"query": VIEWER})
    kept = await client.post(
        "/graphql", content=body, headers=headers(shop, **{"x-request-id": "trace-0001"})
    )
    odd = await client.post("/graphql", content=body, headers=headers(shop, **{"x-request-id": "a b\tc"}))

    assert kept.headers["x-request-id"] == "trace-0001"
    assert odd.headers["x-request-id"].startswith("req_")
