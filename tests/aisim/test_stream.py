"""A stream tells the same as a whole answer, a word at a time."""

from aisim.testing import running
from tests.aisim.conftest import Client

TOOL = {
    "type": "function",
    "function": {
        "name": "escalate",
        "parameters": {
            "type": "object",
            "properties": {"reason": {"type": "string"}},
            "required": ["reason"],
        },
    },
}


async def test_the_words_of_a_stream_are_those_of_the_whole_answer(client):
    whole = await client.ask("Vocês entregam?")
    events = await client.events("Vocês entregam?")

    assert events[-1] == "[DONE]"
    chunks = events[:-1]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert "".join(d.get("content") or "" for d in deltas) == whole["choices"][0]["message"]["content"]
    assert len(deltas) == 1 + 18 + 1
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * 19 + ["stop"]
    assert all("usage" not in chunk for chunk in chunks)


async def test_usage_comes_last_when_it_is_wanted(client):
    whole = await client.ask("Vocês entregam?")
    events = await client.events("Vocês entregam?", stream_options={"include_usage": True})

    assert events[-2]["choices"] == []
    assert events[-2]["usage"] == whole["usage"]
    assert {chunk["usage"] for chunk in events[:-2]} == {None}


async def test_a_tool_call_is_streamed_in_pieces(client):
    events = await client.events("Quero falar com um atendente agora", tools=[TOOL])

    deltas = [chunk["choices"][0]["delta"] for chunk in events[:-1]]
    [start, *pieces] = [delta["tool_calls"][0] for delta in deltas if "tool_calls" in delta]
    assert start["id"].startswith("call_")
    assert start["function"] == {"name": "escalate", "arguments": ""}
    assert len(pieces) > 1
    assert {piece["index"] for piece in pieces} == {0}
    assert "".join(piece["function"]["arguments"] for piece in pieces) == (
        '{"reason": "Quero falar com um atendente agora"}'
    )
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_limit_cuts_a_stream(client):
    events = await client.events("Vocês entregam?", max_tokens=4)

    said = [chunk["choices"][0]["delta"].get("content") for chunk in events[1:-2]]
    assert said == ["Entregamos ", "num ", "raio"]
    assert events[-2]["choices"][0]["finish_reason"] == "length"


async def test_a_slow_writer_writes_the_same():
    async with running({"secondsPerWord": 0.001}) as ai:
        events = await Client(ai).events("Vocês entregam?")

    assert len(events) == 21
