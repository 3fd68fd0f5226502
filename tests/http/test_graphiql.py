"""The examples that GraphiQL opens with: each fits the schema and its variables."""

import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse, print_ast, validate
from graphql.execution.values import get_variable_values

import ventros
from schema.limits import MAX_PRICE
from schema.pricing import Pricer
from schema.root import schema

PAGE = (Path(ventros.__path__[0]) / "assets" / "graphiql" / "page.js").read_text()
EXAMPLES = dict(re.findall(r"const ([A-Z]+) = `([^`]+)`;", PAGE))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fits_the_schema_and_its_limits(name: str) -> None:
    document = parse(EXAMPLES[name])
    published = schema._schema

    assert validate(published, document) == []
    (operation,) = (one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    assert Pricer.of(published, document, operation, variables={}).bill().price <= MAX_PRICE, print_ast(
        document
    )


def test_the_example_of_a_message_has_a_valid_input() -> None:
    document = parse(EXAMPLES["SEND"])
    (operation,) = (one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    variables = {"input": {"chatId": "cht_…", "content": {"text": {"text": "Hello!"}}}}
    assert '{ input: { chatId: "cht_…", content: { text: { text: "Hello!" } } } }' in PAGE

    coerced = get_variable_values(schema._schema, operation.variable_definitions or (), variables)

    assert not isinstance(coerced, list), coerced


def test_there_are_five_examples() -> None:
    assert set(EXAMPLES) == {"INBOX", "CONVERSATION", "SEND", "LIVE", "EVENTS"}
