"""The published schema: as committed, described throughout, named by the house rules, and no less than the core."""

import re
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    EnumTypeDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    get_named_type,
    is_specified_scalar_type,
    parse,
    print_ast,
)

from domain.errors import DomainError, Forbidden
from persistence.ai.runs import ai_run_collection
from persistence.crm.channels import channel_collection
from persistence.crm.chats import chat_collection
from persistence.crm.contacts import contact_collection
from persistence.crm.message_groups import message_group_collection
from persistence.crm.messages import message_collection
from persistence.crm.scheduled_messages import scheduled_message_collection
from persistence.crm.sessions import session_collection
from persistence.operations.job_runs import job_run_collection
from persistence.paging import Collection
from schema.root import schema
from schema.user_errors import UserErrorCode
from ventros.commands.snapshot import SNAPSHOT

ROOT = Path(__file__).parents[2]
CORE = ROOT.parent / "shared" / "design" / "core.graphql"
TYPES: dict[str, GraphQLNamedType] = {
    name: type_
    for name, type_ in schema._schema.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(type_)
}
COLLECTIONS: dict[str, Collection[Any]] = {
    "Contact": contact_collection,
    "Chat": chat_collection,
    "Session": session_collection,
    "Message": message_collection,
    "MessageGroup": message_group_collection,
    "ScheduledMessage": scheduled_message_collection,
    "AiRun": ai_run_collection,
    "JobRun": job_run_collection,
}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_the_committed_schema_is_the_schema() -> None:
    assert SNAPSHOT.read_text() == schema.as_str().rstrip() + "\n", (
        "Write it with: .venv/bin/python -m ventros.commands.snapshot --write"
    )


def elements() -> list[tuple[str, str | None]]:
    """Every public element with its description."""
    found: list[tuple[str, str | None]] = []
    for name, type_ in TYPES.items():
        found.append((name, type_.description))
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                found.append((f"{name}.{field_name}", field.description))
                found += [(f"{name}.{field_name}({key})", one.description) for key, one in field.args.items()]
        elif isinstance(type_, GraphQLInputObjectType):
            found += [(f"{name}.{key}", one.description) for key, one in type_.fields.items()]
        elif isinstance(type_, GraphQLEnumType):
            found += [(f"{name}.{key}", value.description) for key, value in type_.values.items()]
    return found


def test_every_public_element_is_described_in_a_sentence() -> None:
    assert [
        name for name, text in elements() if not text or text[-1] not in ".:" or not text[0].isupper()
    ] == []


def test_names_follow_the_conventions() -> None:
    wrong = [name for name in TYPES if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)]
    for name, type_ in TYPES.items():
        if isinstance(type_, GraphQLEnumType):
            wrong += [
                f"{name}.{value}" for value in type_.values if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value)
            ]
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            continue
        for field_name, field in type_.fields.items():
            type_name = get_named_type(field.type).name
            if not re.fullmatch(r"[a-z][A-Za-z0-9]*", field_name):
                wrong.append(f"{name}.{field_name}")
            if type_name == "DateTime" and not (
                field_name.endswith("At") or field_name == "at" or name.endswith("Filter")
            ):
                wrong.append(f"{name}.{field_name}: an instant ends in At")
            # allowGroups is named in the core; totalCountIsCapped speaks of its neighbour.
            is_named = re.match(r"(is|has|allow|totalCountIs)[A-Z]", field_name)
            if type_name == "Boolean" and isinstance(type_, GraphQLObjectType) and not is_named:
                wrong.append(f"{name}.{field_name}: a yes or no begins with is or has")

    assert wrong == []


def test_a_mutation_takes_one_input_and_gives_one_payload_of_its_own() -> None:
    mutations = TYPES["Mutation"]
    assert isinstance(mutations, GraphQLObjectType)
    for name, field in mutations.fields.items():
        title = name[0].upper() + name[1:]
        assert {key: str(one.type) for key, one in field.args.items()} == {"input": f"{title}Input!"}
        assert str(field.type) == f"{title}Payload!"
        payload = TYPES[f"{title}Payload"]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        assert [
            key for key, one in payload.fields.items() if key != "userErrors" and str(one.type).endswith("!")
        ] == []


def test_every_domain_error_has_a_published_code() -> None:
    def tree(error: type[DomainError]) -> set[type[DomainError]]:
        return {error}.union(*(tree(child) for child in error.__subclasses__()))

    # Forbidden and an expired cursor concern the request, not the input: they are top-level errors.
    codes = {error.code for error in tree(DomainError)} - {Forbidden.code, "CURSOR_EXPIRED"}
    assert codes == set(UserErrorCode.__members__)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_what_lists_offer_is_what_persistence_knows(name: str) -> None:
    where, order = TYPES[f"{name}Where"], TYPES[f"{name}OrderField"]
    assert isinstance(where, GraphQLInputObjectType)
    assert isinstance(order, GraphQLEnumType)

    assert {snake(field) for field in where.fields} - {"and", "or", "not"} == set(COLLECTIONS[name].fields)
    assert set(order.values) == set(COLLECTIONS[name].sort_keys)
    assert set(channel_collection.sort_keys) == {"CREATED_AT"}


def test_ids_in_conditions_are_ids_in_persistence() -> None:
    for name, collection in COLLECTIONS.items():
        where = TYPES[f"{name}Where"]
        assert isinstance(where, GraphQLInputObjectType)
        published = {snake(field) for field, one in where.fields.items() if str(one.type) == "IDFilter"}
        assert published == {field for field, one in collection.fields.items() if one.id_type}


@pytest.mark.skipif(not CORE.exists(), reason="The design documents are not beside the repository.")
def test_the_core_is_published_as_it_was_designed() -> None:
    missing: list[str] = []
    for definition in parse(CORE.read_text()).definitions:
        assert isinstance(definition, TypeDefinitionNode)
        name = definition.name.value
        ours = TYPES.get(name)
        if ours is None:
            missing.append(name)
        elif isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            assert isinstance(ours, GraphQLObjectType | GraphQLInterfaceType)
            for field in definition.fields or ():
                known = ours.fields.get(field.name.value)
                if known is None or str(known.type) != print_ast(field.type):
                    missing.append(f"{name}.{field.name.value}: {print_ast(field.type)}")
                    continue
                for argument in field.arguments or ():
                    given = known.args.get(argument.name.value)
                    if given is None or str(given.type) != print_ast(argument.type):
                        missing.append(f"{name}.{field.name.value}({argument.name.value})")
        elif isinstance(definition, InputObjectTypeDefinitionNode):
            assert isinstance(ours, GraphQLInputObjectType)
            missing += [
                f"{name}.{field.name.value}"
                for field in definition.fields or ()
                if field.name.value not in ours.fields
                or str(ours.fields[field.name.value].type) != print_ast(field.type)
            ]
        else:
            assert not isinstance(definition, EnumTypeDefinitionNode | UnionTypeDefinitionNode)

    assert missing == []


@pytest.mark.parametrize(
    ("name", "members"), [("Actor", {"Contact", "HumanAgent", "BotAgent", "SystemActor"})]
)
def test_unions_have_their_members(name: str, members: set[str]) -> None:
    assert {one.name for one in TYPES[name].types} == members  # type: ignore[attr-defined] # A union.


def test_no_secret_is_published() -> None:
    secrets = re.compile(r"(apiKey|hmac|secret|token(?!s)|password)", re.IGNORECASE)
    found = {
        name.partition("(")[0]
        for name, _ in elements()
        if secrets.search(name.partition(".")[2].partition("(")[0])
    }

    assert sorted(found) == [
        "ApiKeyCreatePayload.apiKey",
        "ApiKeyCreatePayload.secret",
        "ApiKeyRevokePayload.apiKey",
        "ChannelCreateInput.wahaApiKey",
        "ChannelCreatePayload.webhookHmacKey",
        "Mutation.apiKeyCreate",
        "Mutation.apiKeyRevoke",
        "Query.apiKeys",
    ]
