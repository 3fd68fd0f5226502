"""Structured answers fit the schema they are asked for in, and mean something where a name tells what."""

import json

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aisim.brain import think
from aisim.chat_request import read_chat

SESSION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["summary", "sentiment", "topics", "nextSteps", "needs_human", "language", "confidence"],
    "properties": {
        "summary": {"type": "string"},
        "sentiment": {"type": "string", "enum": ["POSITIVE", "NEUTRAL", "NEGATIVE"]},
        "topics": {"type": "array", "items": {"type": "string"}},
        "nextSteps": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "needs_human": {"type": "boolean"},
        "language": {"type": "string"},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
}


def wanted(schema, *, strict=False):
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}


async def test_a_session_is_summed_up(client):
    said = await client.say(
        "Maria: Bom dia, quero um bolo\nLoja: Claro!\nMaria: Quanto fica com entrega?\nMaria: Perfeito, obrigada!",
        response_format=wanted(SESSION, strict=True),
    )

    assert json.loads(said) == {
        "summary": "O cliente falou sobre bolo de aniversário, preço e entrega. Começou com “Bom dia, quero um "
        "bolo” e por último disse “Perfeito, obrigada!”.",
        "sentiment": "POSITIVE",
        "topics": ["bolo de aniversário", "preço", "entrega"],
        "nextSteps": ["Enviar o orçamento", "Combinar a entrega"],
        "needs_human": False,
        "language": "pt",
        "confidence": 0.9,
    }


@pytest.mark.parametrize(
    ("said", "values", "expected"),
    [
        ("Cliente: Adorei, ficou lindo!", ["POSITIVE", "NEUTRAL", "NEGATIVE"], "POSITIVE"),
        ("Cliente: Veio errado e atrasado", ["POSITIVE", "NEUTRAL", "NEGATIVE"], "NEGATIVE"),
        ("Cliente: Passo às 17h", ["POSITIVE", "NEUTRAL", "NEGATIVE"], "NEUTRAL"),
        ("Customer: This is terrible", ["positive", "negative", "neutral"], "negative"),
        ("Customer: I was confused", ["calm", "confused"], "confused"),
        ("Customer: Hello", ["calm", "confused"], "calm"),
    ],
)
async def test_a_sentiment_is_one_of_those_the_schema_lists(client, said, values, expected):
    schema = {"type": "object", "properties": {"sentiment": {"enum": values}}, "required": ["sentiment"]}

    assert json.loads(await client.say(said, response_format=wanted(schema))) == {"sentiment": expected}


async def test_plain_json_has_the_keys_that_the_prompt_quotes(client):
    rules = {"role": "system", "content": 'Answer in JSON with "summary", "intent" and "colour".'}
    kind = {"type": "json_object"}

    named = json.loads(await client.say(rules, "Cliente: Quanto custa o pão?", response_format=kind))
    usual = json.loads(await client.say("Como JSON: quanto custa o pão?", response_format=kind))

    assert list(named) == ["summary", "intent", "colour"]
    assert (named["intent"], named["colour"]) == ("price", "")
    assert list(usual) == ["summary", "sentiment", "topics", "next_steps"]


async def test_structured_answers_come_after_tools_that_were_ordered(client):
    tool = {"type": "function", "function": {"name": "escalate", "parameters": {"type": "object"}}}
    more = {"tools": [tool], "response_format": wanted(SESSION)}

    assert await client.calls("Quero um humano", **more) == []
    assert await client.calls("Quero um humano", tool_choice="required", **more) == [("escalate", {})]


names = st.sampled_from(
    ["summary", "sentiment", "topics", "next_steps", "confidence", "count", "note", "name", "a", "quantity"]
)
scalars = st.one_of(
    st.builds(
        lambda least, more, limit: (
            {"type": "string", "minLength": least} | ({"maxLength": least + more} if limit else {})
        ),
        st.integers(0, 30),
        st.integers(0, 30),
        st.booleans(),
    ),
    st.builds(
        lambda least, more: {"type": "integer", "minimum": least, "maximum": least + more},
        st.integers(-50, 50),
        st.integers(0, 20),
    ),
    st.builds(
        lambda least, step: {"type": "integer", "minimum": least, "multipleOf": step},
        st.integers(-50, 50),
        st.integers(1, 9),
    ),
    st.builds(
        lambda least: {"type": "number", "exclusiveMinimum": least, "exclusiveMaximum": least + 1},
        st.integers(-5, 5),
    ),
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "null"},
            {"const": 7},
            {"enum": ["x", 1, None]},
            {"type": ["null", "string"]},
            {"type": "string", "format": "date-time"},
            {"type": "string", "format": "uuid"},
            {"$ref": "#/$defs/point"},
            {},
        ]
    ),
)


def deeper(inner):
    objects = st.builds(
        lambda properties, some: {
            "type": "object",
            "properties": properties,
            "required": list(properties)[:some],
            "additionalProperties": False,
        },
        st.dictionaries(names, inner, max_size=4),
        st.integers(0, 4),
    )
    arrays = st.builds(
        lambda items, least, more: {
            "type": "array",
            "items": items,
            "minItems": least,
            "maxItems": least + more,
        },
        inner,
        st.integers(0, 3),
        st.integers(0, 3),
    )
    either = st.builds(lambda one: {"anyOf": [one, {"type": "null"}]}, inner)
    both = st.builds(lambda one: {"allOf": [one, {"description": "x"}]}, inner)
    return st.one_of(objects, arrays, either, both)


DEFS = {
    "point": {
        "type": "object",
        "properties": {
            "x": {"type": "integer"},
            "next": {"anyOf": [{"$ref": "#/$defs/point"}, {"type": "null"}]},
        },
        "required": ["x", "next"],
    }
}


@settings(deadline=None)
@example({"topics": {"type": "array", "items": {"const": 7}, "minItems": 0, "maxItems": 1}})
@given(st.dictionaries(names, st.recursive(scalars, deeper, max_leaves=8), max_size=4))
def test_an_answer_fits_any_schema(properties):
    schema = {"type": "object", "properties": properties, "required": list(properties), "$defs": DEFS}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "Cliente: Me chamo Ana, quero um bolo para 20 pessoas"}],
        "response_format": wanted(schema),
    }

    answer = json.loads(think(read_chat(body)).text)

    jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(answer)
