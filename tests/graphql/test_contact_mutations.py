"""Filing, changing and deleting contacts."""

import asyncio
from typing import Any

import pytest

from persistence.database import Database
from tests.factories import Shop
from tests.graphql.asking import Api
from tests.graphql.builders import CAUSE, a_contact

ERRORS = "userErrors { __typename code message field ... on VersionConflictError { current { id ... on Contact { name version } } } ... on DuplicateError { existing { id name } } }"
SHOWN = "contact { id name phone email externalId language timezone tags customFields { key value } version identities { kind value source } }"
CREATE = f"mutation ($input: ContactCreateInput!) {{ contactCreate(input: $input) {{ {SHOWN} {ERRORS} }} }}"
UPDATE = f"mutation ($input: ContactUpdateInput!) {{ contactUpdate(input: $input) {{ {SHOWN} {ERRORS} }} }}"
DELETE = f"mutation ($input: ContactDeleteInput!) {{ contactDelete(input: $input) {{ {SHOWN} {ERRORS} }} }}"
FULL = {
    "name": "  Maria ",
    "phone": "+55 (11) 98888-0001",
    "email": "Maria@Example.org",
    "externalId": "crm-7",
    "language": "pt-BR",
    "timezone": "America/Sao_Paulo",
    "tags": ["VIP", "vip", "new"],
    "customFields": [{"key": "cpf", "value": "1"}],
}


async def create(api: Api, **given: object) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.get(CREATE, input=given))["contactCreate"]
    return payload


async def update(api: Api, **given: object) -> dict[str, Any]:
    payload: dict[str, Any] = (await api.get(UPDATE, input=given))["contactUpdate"]
    return payload


async def test_a_contact_is_filed_with_everything_said_of_it(api: Api) -> None:
    payload = await create(api, **FULL)

    assert payload["userErrors"] == []
    id_ = payload["contact"].pop("id")
    assert id_.startswith("cnt_")
    assert payload["contact"] == {
        "name": "Maria",
        "phone": "+5511988880001",
        "email": "maria@example.org",
        "externalId": "crm-7",
        "language": "pt-BR",
        "timezone": "America/Sao_Paulo",
        "tags": ["vip", "new"],
        "customFields": [{"key": "cpf", "value": "1"}],
        "version": 1,
        "identities": [{"kind": "PHONE", "value": "+5511988880001", "source": "MANUAL"}],
    }
    assert (await api.get("query ($id: ID!) { contact(id: $id) { name } }", id=id_)) == {
        "contact": {"name": "Maria"}
    }


@pytest.mark.parametrize("phone", ["+5511988880001", "+551188880001"])
async def test_either_spelling_of_a_number_belongs_to_one_contact(api: Api, phone: str) -> None:
    first = (await create(api, name="Maria", phone="+5511988880001"))["contact"]

    payload = await create(api, name="Outra", phone=phone)

    assert payload["contact"] is None
    assert payload["userErrors"] == [
        {
            "__typename": "DuplicateError",
            "code": "DUPLICATE_IDENTITY",
            "message": "Another contact already has this phone number; update that one instead.",
            "field": ["phone"],
            "existing": {"id": first["id"], "name": "Maria"},
        }
    ]
    assert (await api.get("{ contacts { totalCount } }")) == {"contacts": {"totalCount": 1}}


async def test_of_several_at_once_one_files_the_number(api: Api) -> None:
    payloads = await asyncio.gather(
        *(create(api, name=f"n{n}", phone="+5511988880001" if n % 2 else "+551188880001") for n in range(4))
    )

    codes = sorted(error["code"] for payload in payloads for error in payload["userErrors"])
    assert codes == ["DUPLICATE_IDENTITY"] * 3
    assert len([payload for payload in payloads if payload["contact"]]) == 1


async def test_a_deleted_contact_comes_back_with_its_number(api: Api) -> None:
    gone = (await create(api, name="Maria", phone="+5511988880001", email="m@example.org"))["contact"]
    deleted = (await api.get(DELETE, input={"id": gone["id"]}))["contactDelete"]
    assert (deleted["contact"]["id"], deleted["userErrors"]) == (gone["id"], [])
    assert (
        await api.get("query ($id: ID!) { contact(id: $id) { id } contacts { totalCount } }", id=gone["id"])
    ) == {
        "contact": None,
        "contacts": {"totalCount": 0},
    }
    again = (await api.get(DELETE, input={"id": gone["id"]}))["contactDelete"]
    assert [error["code"] for error in again["userErrors"]] == ["NOT_FOUND"]

    back = (await create(api, name="Maria Silva", phone="+551188880001"))["contact"]

    assert (back["id"], back["name"], back["email"]) == (gone["id"], "Maria Silva", "m@example.org")


async def test_an_update_leaves_what_is_absent_and_clears_what_is_null(api: Api) -> None:
    id_ = (await create(api, **FULL))["contact"]["id"]

    kept = (await update(api, id=id_, name="Mia"))["contact"]
    cleared = (
        await update(
            api,
            id=id_,
            email=None,
            externalId=None,
            language=None,
            timezone=None,
            tags=None,
            customFields=None,
        )
    )["contact"]

    assert (kept["name"], kept["email"], kept["tags"]) == ("Mia", "maria@example.org", ["vip", "new"])
    assert {key: value for key, value in cleared.items() if key not in {"id", "identities", "version"}} == {
        "name": "Mia",
        "phone": "+5511988880001",
        "email": None,
        "externalId": None,
        "language": None,
        "timezone": None,
        "tags": [],
        "customFields": [],
    }


async def test_a_version_that_is_no_longer_there_is_a_conflict_that_shows_what_is(api: Api) -> None:
    id_ = (await create(api, name="Maria"))["contact"]["id"]
    await update(api, id=id_, name="Mia", expectedVersion=1)

    payload = await update(api, id=id_, name="Lost", expectedVersion=1)

    assert payload["contact"] is None
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["code"], error["field"]) == (
        "VersionConflictError",
        "VERSION_CONFLICT",
        ["expectedVersion"],
    )
    assert error["current"] == {"id": id_, "name": "Mia", "version": 2}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": ""}, "REQUIRED", ["name"]),
        ({"name": "   "}, "REQUIRED", ["name"]),
        ({"name": "x" * 201}, "TOO_LONG", ["name"]),
        ({"email": "nobody"}, "INVALID", ["email"]),
        ({"language": "português"}, "INVALID", ["language"]),
        ({"externalId": "x" * 256}, "TOO_LONG", ["externalId"]),
        ({"timezone": "x" * 65}, "TOO_LONG", ["timezone"]),
        ({"tags": ["x" * 51]}, "TOO_LONG", ["tags"]),
        ({"tags": [str(n) for n in range(101)]}, "TOO_MANY", ["tags"]),
        ({"customFields": [{"key": "", "value": "x"}]}, "REQUIRED", ["customFields"]),
        ({"customFields": [{"key": "k", "value": "x" * 4097}]}, "TOO_LONG", ["customFields"]),
    ],
)
async def test_what_breaks_a_rule_is_said_and_changes_nothing(
    api: Api, given: dict[str, object], code: str, field: list[str]
) -> None:
    payload = await create(api, **{"name": "Maria"} | given)

    assert payload["contact"] is None
    assert [(error["__typename"], error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("InputError", code, field)
    ]
    assert (await api.get("{ contacts { totalCount } }")) == {"contacts": {"totalCount": 0}}


async def test_a_name_cannot_be_cleared(api: Api) -> None:
    id_ = (await create(api, name="Maria"))["contact"]["id"]

    assert [error["code"] for error in (await update(api, id=id_, name=None))["userErrors"]] == ["REQUIRED"]


async def test_an_external_id_is_unique(api: Api) -> None:
    await create(api, name="Maria", externalId="crm-7")

    payload = await create(api, name="Outra", externalId="crm-7")

    assert [(error["code"], error["message"]) for error in payload["userErrors"]] == [
        ("ALREADY_EXISTS", "Another contact already has this external id.")
    ]


async def test_a_phone_that_is_none_is_no_valid_request(api: Api) -> None:
    answer = await api.ask(CREATE, input={"name": "Maria", "phone": "12"})

    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.data is None


async def test_a_mutation_shows_its_own_effect_and_so_does_the_next(
    database: Database, shop: Shop, api: Api
) -> None:
    async with database.writing(shop.tenant_id, CAUSE) as uow:
        contact = a_contact(uow, shop)
    query = """mutation ($id: ID!) {
      first: contactUpdate(input: {id: $id, name: "A"}) { contact { name chats { totalCount } } }
      second: contactUpdate(input: {id: $id, name: "B"}) { contact { name version identities { value } } }
    }"""
    shown = await api.get("{ contacts { nodes { id } } }")

    answer = await api.get(query, id=shown["contacts"]["nodes"][0]["id"])

    assert answer == {
        "first": {"contact": {"name": "A", "chats": {"totalCount": 0}}},
        "second": {"contact": {"name": "B", "version": contact.version + 2, "identities": []}},
    }
