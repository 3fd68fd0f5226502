"""What each failure of a call means: never, later, or look first."""

import asyncio

import httpx2
import pytest

from domain.crm.content import TextContent
from domain.values import PhoneNumber
from integrations.errors import Ambiguous, IntegrationError, Rejected, Unavailable
from integrations.waha.client import Waha
from integrations.waha.message_id import address
from integrations.waha.transport import failure_of, refusal_of
from wasim.server import bind, url_of

MARIA = address("5511999990001@c.us")
STARTING = b'{"error":"Session status is not as expected","status":"STARTING","expected":["WORKING"]}'
ASLEEP = b'{"error":"Session status is not as expected","status":"SCAN_QR_CODE","expected":["WORKING"]}'


def exception(message: str) -> bytes:
    return (
        b'{"statusCode":500,"exception":{"name":"Error","message":"%b"},"request":{"body":{}}}'
        % message.encode()
    )


@pytest.mark.parametrize(
    ("status", "content", "kind", "code"),
    [
        (400, b'{"message":["text should not be empty"],"error":"Bad Request"}', Rejected, "INVALID_REQUEST"),
        (401, b'{"message":"Unauthorized"}', Rejected, "UNAUTHORIZED"),
        (403, b'{"message":"Forbidden"}', Rejected, "FORBIDDEN"),
        (404, b'{"message":"Session not found"}', Rejected, "NOT_FOUND"),
        (404, b'{"error":{"code":404,"message":"File not found"}}', Rejected, "NOT_FOUND"),
        (413, b"", Rejected, "TOO_LARGE"),
        (422, b'{"message":"available only in Plus"}', Rejected, "UNPROCESSABLE"),
        (422, ASLEEP, Rejected, "SESSION_NOT_READY"),
        (501, b'{"message":"not implemented"}', Rejected, "NOT_IMPLEMENTED"),
        (301, b"", Rejected, "HTTP_301"),
        (500, exception("2 UNKNOWN: server returned error 463"), Rejected, "463"),
        (500, exception("2 UNKNOWN: server returned error 479"), Rejected, "479"),
        (422, STARTING, Unavailable, "SESSION_STARTING"),
        (408, b"", Unavailable, "HTTP_408"),
        (429, b"slow down", Unavailable, "RATE_LIMITED"),
        (500, exception("rate-overlimit"), Unavailable, "RATE_LIMITED"),
        (500, exception("2 UNKNOWN: server returned error 429"), Unavailable, "RATE_LIMITED"),
        (503, b"", Unavailable, "HTTP_503"),
        (500, exception("4 DEADLINE_EXCEEDED"), Ambiguous, "HTTP_500"),
        (500, exception("Connection Closed"), Ambiguous, "HTTP_500"),
        (500, exception("Evaluation failed: t"), Ambiguous, "HTTP_500"),
        (500, exception("2 UNKNOWN: server returned error 503"), Ambiguous, "HTTP_500"),
        (500, b"<html>", Ambiguous, "HTTP_500"),
        (502, b"<html>", Ambiguous, "HTTP_502"),
        (504, b"", Ambiguous, "HTTP_504"),
        (520, b"", Ambiguous, "HTTP_520"),
    ],
)
def test_an_answer_other_than_2xx_tells_what_may_be_done_next(status, content, kind, code):
    problem = refusal_of(status, content, {}, is_safe=False)
    assert (type(problem), problem.code) == (kind, code)
    assert 0 < len(problem.reason) <= 200
    of_a_read = refusal_of(status, content, {}, is_safe=True)
    assert type(of_a_read) is (Unavailable if kind is Ambiguous else kind)


def test_the_server_may_say_how_long_to_wait():
    assert refusal_of(429, b"", {"Retry-After": "7"}, is_safe=False).retry_after == 7.0
    assert refusal_of(503, b"", {"Retry-After": "Wed, 21 Oct"}, is_safe=False).retry_after is None
    assert refusal_of(500, exception("rate-overlimit"), {}, is_safe=False).retry_after == 60.0


def test_a_long_reason_is_shortened_and_the_echoed_request_left_out():
    content = b'{"exception":{"message":"' + b"x" * 999 + b'"},"request":{"body":{"text":"secret"}}}'
    assert refusal_of(500, content, {}, is_safe=False).reason == "x" * 200


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (httpx2.ConnectError("refused"), Unavailable),
        (httpx2.ConnectTimeout("slow"), Unavailable),
        (httpx2.PoolTimeout("full"), Unavailable),
        (httpx2.ReadTimeout("slow"), Ambiguous),
        (httpx2.ReadError("reset"), Ambiguous),
        (httpx2.WriteError("reset"), Ambiguous),
        (httpx2.WriteTimeout("slow"), Ambiguous),
        (httpx2.RemoteProtocolError("gone"), Ambiguous),
        (httpx2.DecodingError("gzip"), Ambiguous),
        (httpx2.UnsupportedProtocol("ftp"), Rejected),
        (httpx2.InvalidURL("?"), Rejected),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate"), Rejected),
    ],
)
def test_a_broken_exchange_is_ambiguous_once_the_call_was_written(problem, kind):
    assert type(failure_of(problem, is_safe=False)) is kind
    assert type(failure_of(problem, is_safe=True)) is (Unavailable if kind is Ambiguous else kind)


class Server:
    """Answers in turn, and remembers what was asked and how long the client rested."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.rests: list[float] = []

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, base_url: str = "http://waha:3000/", key: str | None = "k") -> Waha:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))
        return Waha(base_url, key, http=http, sleep=self.rest)


def json(value: object, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json=value)


async def test_a_read_is_repeated_twice_while_the_server_is_unavailable():
    server = Server(httpx2.ReadTimeout(""), json({}, 502), json({"id": "3EB0AA"}))
    assert await server.client().new_message_id("crm") == "3EB0AA"
    assert server.rests == [0.25, 1.0]


async def test_a_read_gives_up_after_the_third_time():
    server = Server(*[httpx2.ConnectError("")] * 3)
    with pytest.raises(Unavailable):
        await server.client().version()
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(json({}, 401), Rejected), (httpx2.Response(429, headers={"Retry-After": "9"}), Unavailable)],
)
async def test_a_read_is_not_repeated_when_that_is_pointless(answer, kind):
    server = Server(answer)
    with pytest.raises(kind):
        await server.client().version()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx2.ReadTimeout(""), Ambiguous),
        (httpx2.ConnectError(""), Unavailable),
        (json({}, 500), Ambiguous),
        (httpx2.Response(201, content=b"<html>"), Ambiguous),
        (httpx2.Response(201, content=b'{"id":'), Ambiguous),
        (httpx2.Response(302, headers={"Location": "http://elsewhere/"}), Rejected),
    ],
)
async def test_a_send_is_made_exactly_once(answer, kind):
    server = Server(answer)
    with pytest.raises(IntegrationError) as problem:
        await server.client().send("crm", MARIA, TextContent(text="Olá"))
    assert type(problem.value) is kind
    assert (len(server.requests), server.rests) == (1, [])


async def test_a_text_that_is_no_unicode_is_rejected_before_anything_is_sent():
    server = Server()
    with pytest.raises(Rejected):
        await server.client().send("crm", MARIA, TextContent(text="\ud800"))
    assert server.requests == []


async def test_the_key_travels_as_a_header_and_shows_in_no_description():
    server = Server(json({"version": "1"}), json({"version": "1"}))
    client = server.client(key="secret-key")
    await client.version()
    assert server.requests[0].headers["X-Api-Key"] == "secret-key"
    await server.client(key=None).version()
    assert "X-Api-Key" not in server.requests[1].headers
    assert "secret-key" not in repr(vars(client))


async def test_names_are_escaped_in_paths():
    server = Server(json({"numberExists": False}), httpx2.Response(404), httpx2.Response(404))
    client = server.client(base_url="http://waha:3000/prefix/")
    assert await client.check_exists("a b", PhoneNumber("+5511999990001")) is None
    assert await client.session("../keys?x=1") is None
    assert await client.lid_to_phone("crm", address("20@lid")) is None
    assert [str(request.url) for request in server.requests] == [
        "http://waha:3000/prefix/api/contacts/check-exists?session=a+b&phone=5511999990001",
        "http://waha:3000/prefix/api/sessions/..%2Fkeys%3Fx%3D1",
        "http://waha:3000/prefix/api/crm/lids/20%40lid",
    ]


async def test_a_refused_connection_is_unavailable_and_a_cut_one_ambiguous():
    sock = bind("127.0.0.1", 0)
    url = url_of(sock)

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.close()

    async with httpx2.AsyncClient(trust_env=False) as http:
        waha = Waha(url, None, http=http)
        server = await asyncio.start_server(cut, sock=sock)
        async with server:
            with pytest.raises(Ambiguous):
                await waha.send("crm", MARIA, TextContent(text="Olá"))
        with pytest.raises(Unavailable):
            await waha.send("crm", MARIA, TextContent(text="Olá"))


def test_every_shared_error_answers_the_same_whatever_its_form(shared):
    kinds = {
        "error-500-gows-463": Rejected,
        "error-500-noweb-rate_overlimit": Unavailable,
        "error-500-gows-deadline": Ambiguous,
        "error-500-noweb-connection_closed": Ambiguous,
        "error-500-webjs-evaluation": Ambiguous,
    }
    errors = [entry for entry in shared("manifest.json")["api"] if entry["file"].startswith("api/error-")]
    for entry in errors:
        name = entry["file"].removeprefix("api/").removesuffix(".json")
        content = httpx2.Response(500, json=shared(f"samples/{entry['file']}")).content
        problem = refusal_of(entry["status"], content, {}, is_safe=False)
        assert type(problem) is kinds.get(name, Rejected), name
        assert not problem.reason.startswith("WAHA answered"), name
    assert errors
