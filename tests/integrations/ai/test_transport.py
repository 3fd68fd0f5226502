"""What the failures of a provider become, and what they never tell."""

import asyncio
import traceback
from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from integrations.ai.transport import retry_after
from integrations.errors import IntegrationError, Malformed, Rejected, Unavailable
from tests.integrations.ai.provider import KEY, NOW, StandIn, calling, raw_server, standing_in

PROMPT = "what-a-customer-wrote"
QUESTION = {"messages": [PROMPT]}


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with standing_in() as one:
        yield one


async def failure(url: str, *, seconds: float = 10.0, key: str | None = KEY) -> IntegrationError:
    async with calling(url, key=key) as provider:
        with pytest.raises(IntegrationError) as caught:
            await provider.post("/chat/completions", QUESTION, seconds=seconds)
    told = "".join(traceback.format_exception(caught.value))
    assert KEY not in told
    assert PROMPT not in told
    return caught.value


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "INVALID_REQUEST"),
        (401, "UNAUTHORIZED"),
        (402, "PAYMENT_REQUIRED"),
        (403, "FORBIDDEN"),
        (404, "NOT_FOUND"),
        (413, "TOO_LARGE"),
        (415, "UNSUPPORTED"),
        (418, "HTTP_418"),
        (422, "UNPROCESSABLE"),
        (501, "NOT_IMPLEMENTED"),
    ],
)
async def test_what_repeating_cannot_mend_is_rejected(stand_in: StandIn, status: int, code: str) -> None:
    stand_in.says({"error": {"message": f"{KEY} {PROMPT}", "type": PROMPT, "code": KEY}}, status=status)

    problem = await failure(stand_in.url)

    assert (type(problem), problem.code) == (Rejected, code)
    assert problem.reason == f"The AI provider answered {status}."


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (408, "HTTP_408"),
        (409, "HTTP_409"),
        (425, "HTTP_425"),
        (429, "RATE_LIMITED"),
        (500, "HTTP_500"),
        (502, "HTTP_502"),
        (503, "HTTP_503"),
        (529, "HTTP_529"),
    ],
)
async def test_what_may_work_later_is_unavailable(stand_in: StandIn, status: int, code: str) -> None:
    stand_in.says(b"<html>" + PROMPT.encode(), status=status, headers={"Retry-After": "7"})

    problem = await failure(stand_in.url)

    assert isinstance(problem, Unavailable)
    assert (problem.code, problem.retry_after) == (code, 7.0)


@pytest.mark.parametrize(
    ("status", "word", "kind", "code"),
    [
        (400, "context_length_exceeded", Rejected, "CONTEXT_TOO_LONG"),
        (400, "content_filter", Rejected, "FILTERED"),
        (404, "model_not_found", Rejected, "NOT_FOUND"),
        (429, "insufficient_quota", Unavailable, "QUOTA_EXHAUSTED"),
    ],
)
async def test_known_words_of_refusal_are_passed_on(
    stand_in: StandIn, status: int, word: str, kind: type, code: str
) -> None:
    stand_in.says({"error": {"code": word, "type": "invalid_request_error"}}, status=status)

    problem = await failure(stand_in.url)

    assert (type(problem), problem.code) == (kind, code)
    assert problem.reason == f"The AI provider answered {status} ({word}, invalid_request_error)."


async def test_a_redirect_is_not_followed(stand_in: StandIn) -> None:
    stand_in.answer = Response(status_code=307, headers={"Location": f"{stand_in.url}/elsewhere"})

    problem = await failure(stand_in.url)

    assert (type(problem), problem.code) == (Rejected, "REDIRECTED")
    assert [one.path for one in stand_in.asked] == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("2.5", 2.5),
        ("999999999", 86_400.0),
        ("Tue, 14 Jul 2026 12:00:30 GMT", 30.0),
        ("Tue, 14 Jul 2026 11:00:00 GMT", 0.0),
        ("Tue, 14 Jul 2026 12:00:30 -0000", 30.0),
        ("-5", None),
        ("soon", None),
        ("Tue, 99 Jul 2026 12:00:30 GMT", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, now=NOW) == seconds


def test_no_retry_after_is_none() -> None:
    assert retry_after({}, now=NOW) is None


async def test_a_provider_that_is_away_is_unavailable() -> None:
    async with raw_server(lambda _: None) as url:
        pass

    problem = await failure(url)

    assert (type(problem), problem.code) == (Unavailable, "UNREACHABLE")


async def test_a_provider_that_hangs_up_is_unavailable() -> None:
    async with raw_server(lambda _: None) as url:
        problem = await failure(url)

    assert (type(problem), problem.code) == (Unavailable, "NO_ANSWER")


async def test_a_provider_that_speaks_no_http_is_unavailable() -> None:
    async with raw_server(lambda writer: writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")) as url:
        problem = await failure(url)

    assert (type(problem), problem.code) == (Unavailable, "NO_ANSWER")


async def test_a_provider_that_never_answers_is_given_up(stand_in: StandIn) -> None:
    stand_in.holding = asyncio.Event()

    problem = await failure(stand_in.url, seconds=0.05)

    assert (type(problem), problem.code) == (Unavailable, "TIMEOUT")


@pytest.mark.parametrize("url", ["ftp://host/v1", "localhost"])
async def test_an_address_that_is_none_is_rejected(url: str) -> None:
    problem = await failure(url)

    assert (type(problem), problem.code) == (Rejected, "BAD_ADDRESS")


async def test_a_key_that_no_header_can_carry_is_rejected_and_not_told(stand_in: StandIn) -> None:
    problem = await failure(stand_in.url, key=KEY + "\r\nX: y")

    assert (type(problem), problem.code, stand_in.asked) == (Rejected, "BAD_ADDRESS", [])


async def test_no_key_is_sent_when_there_is_none(stand_in: StandIn) -> None:
    stand_in.says({"data": []})
    async with calling(stand_in.url, key=None) as provider:
        assert await provider.models() == ()

    assert "authorization" not in stand_in.asked[0].headers


async def test_neither_key_nor_prompt_is_in_what_a_provider_calls_itself(stand_in: StandIn) -> None:
    async with calling(stand_in.url) as provider:
        assert KEY not in repr(provider)


async def test_a_failing_provider_is_left_alone(stand_in: StandIn) -> None:
    stand_in.says({}, status=500)
    async with calling(stand_in.url, failures=3) as provider:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await provider.get("/models", seconds=10.0)

        with pytest.raises(Unavailable) as caught:
            await provider.get("/models", seconds=10.0)

    assert (caught.value.code, len(stand_in.asked)) == ("BREAKER_OPEN", 3)


async def test_refusals_do_not_open_the_breaker(stand_in: StandIn) -> None:
    stand_in.says({}, status=400)
    async with calling(stand_in.url, failures=1) as provider:
        for _ in range(3):
            with pytest.raises(Rejected):
                await provider.get("/models", seconds=10.0)

    assert len(stand_in.asked) == 3


@pytest.mark.parametrize("body", [b"<html>", b""])
async def test_pages_instead_of_answers_open_the_breaker(stand_in: StandIn, body: bytes) -> None:
    stand_in.says(body)
    async with calling(stand_in.url, failures=1) as provider:
        with pytest.raises(Malformed):
            await provider.get("/models", seconds=10.0)
        with pytest.raises(Unavailable):
            await provider.get("/models", seconds=10.0)


async def test_a_slow_provider_holds_only_its_places(stand_in: StandIn) -> None:
    stand_in.says({"data": []})
    stand_in.holding = asyncio.Event()
    async with calling(stand_in.url, places=1, wait=0.05) as provider:
        first = asyncio.create_task(provider.models())
        await stand_in.arrived.wait()

        with pytest.raises(Unavailable) as caught:
            await provider.models()
        stand_in.holding.set()

        assert (caught.value.code, caught.value.retry_after) == ("BUSY", 0.05)
        assert await first == ()
        assert await provider.models() == ()
    assert len(stand_in.asked) == 2


async def test_a_call_that_is_given_up_frees_its_place_and_blames_nobody(stand_in: StandIn) -> None:
    stand_in.says({"data": []})
    stand_in.holding = asyncio.Event()
    async with calling(stand_in.url, places=1, failures=1) as provider:
        given_up = asyncio.create_task(provider.models())
        await stand_in.arrived.wait()
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        stand_in.holding.set()

        assert await provider.models() == ()
