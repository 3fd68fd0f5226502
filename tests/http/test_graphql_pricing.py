"""How operations are measured: prices by pages, depths, and fragments written out at no cost."""

import pytest
from graphql import OperationDefinitionNode, build_schema, parse
from hypothesis import given
from hypothesis import strategies as st

from schema.pricing import Bill, Pricer

SCHEMA = build_schema(
    """
    type Query { chats(first: Int, last: Int, after: String, search: String): ChatConnection! chat: Chat nodes(ids: [ID!]!): [Chat]! now: String }
    type Mutation { chatClose: Chat messageSend: Chat }
    type Subscription { chatUpdated: Chat }
    type ChatConnection { edges: [ChatEdge!]! nodes: [Chat!]! pageInfo: PageInfo! totalCount: Int! }
    type ChatEdge { cursor: String! node: Chat! }
    type PageInfo { hasNextPage: Boolean! endCursor: String }
    type Chat { id: ID! title: String parent: Chat chats(first: Int, last: Int): ChatConnection! }
    """
)


def bill(text: str, **variables: object) -> Bill:
    document = parse(text)
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return Pricer.of(SCHEMA, document, operation, variables=variables).bill()


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("{ now }", 0),
        ("{ __typename }", 0),
        ("{ chat { id title } }", 1),
        ("{ chat { parent { id } } }", 2),
        ("{ chats { nodes { id } } }", 2 + 25),
        ("{ chats(first: 10) { nodes { id } } }", 2 + 10),
        ("{ chats(last: 7) { edges { cursor node { id } } pageInfo { endCursor } totalCount } }", 2 + 7),
        ("{ chats(first: 10) { nodes { id } edges { node { id } } } }", 2 + 20),
        ("{ chats(first: 10) { nodes { chats(first: 5) { nodes { id } } } } }", 2 + 10 * (1 + 2 + 5)),
        ("{ chats(first: 1000000000000) { nodes { id } } }", 2 + 100),
        ('{ chats(first: 10, search: "x") { nodes { id } } }', 3 * 12),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        ("{ a: chat { id } b: chat { id } }", 2),
        ("{ ... { chat { id } } ...F } fragment F on Query { chat { parent { id } } }", 3),
        ("mutation { chatClose { id } }", 11),
        ("mutation { messageSend { id } }", 21),
        ("subscription { chatUpdated { id } }", 11),
        ("{ __schema { types { fields { type { ofType { name } } } } } }", 0),
        ("{ unknown { id } }", 1),
        ("{ ...Missing }", 0),
    ],
)
def test_a_price_is_what_the_contract_says(text: str, price: int) -> None:
    assert bill(text).price == price


@pytest.mark.parametrize(
    ("given_", "price"),
    [({"n": 3}, 5), ({}, 9), ({"n": None}, 27), ({"n": "many"}, 27), ({"n": -4}, 2), ({"n": True}, 27)],
)
def test_a_page_size_in_a_variable_is_resolved(given_: dict[str, object], price: int) -> None:
    assert bill("query ($n: Int = 7) { chats(first: $n) { nodes { id } } }", **given_).price == price


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("{ now }", 1),
        ("{ chats { nodes { id } } }", 3),
        ("{ ...F } fragment F on Query { chat { ...G } } fragment G on Chat { parent { id } }", 3),
        ("{ ... on Query { ... { now } } }", 1),
        ("{ __schema { types { name } } }", 1),
    ],
)
def test_a_depth_counts_fields_only(text: str, depth: int) -> None:
    assert bill(text).depth == depth


def test_introspection_has_a_depth_of_its_own() -> None:
    assert bill("{ __schema { types { name } } chat { id } }").introspection_depth == 2


def test_a_fan_out_of_fragments_is_measured_in_the_time_of_its_text() -> None:
    links = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(200))
    found = bill("{ ...F0 }" + links + "fragment F200 on Query { x: chat { id } }")
    # Written out, the fields would outnumber the atoms of the earth; a walk of each would never end.
    assert (found.fields, found.aliases, found.price) == (2**201, 2**200, 2**200)


def test_a_fragment_in_a_circle_ends() -> None:
    assert bill("{ ...F } fragment F on Query { chat { id } ...F }").price == 1


def test_directives_count_wherever_they_stand() -> None:
    text = "query @a { now @b ... @c { now } ...F @d } fragment F on Query { now @e }"
    assert bill(text).directives == 5


@given(st.lists(st.integers(0, 120), min_size=1, max_size=6))
def test_nested_pages_multiply(sizes: list[int]) -> None:
    text, expected = "id", 0
    for size in reversed(sizes):
        text = f"chats(first: {size}) {{ nodes {{ {text} }} }}"
        expected = 2 + min(size, 100) * (1 + expected)
    found = bill("{ " + text + " }")
    assert (found.price, found.depth) == (expected, 2 * len(sizes) + 1)
