"""Fetching files: from the right host, with the key only where it belongs, within limits."""

import httpx2
import pytest

from integrations.errors import Rejected, Unavailable
from integrations.waha.files import Download, address_of
from tests.integrations.waha.test_transport import Server

BASE = "https://waha.example.com/prefix"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://localhost:3000/api/files/crm/a.jpeg", f"{BASE}/api/files/crm/a.jpeg"),
        ("http://169.254.169.254/api/files/crm/a%40c.us.jpeg?x=1", f"{BASE}/api/files/crm/a%40c.us.jpeg?x=1"),
        ("https://waha.example.com/other/a.jpeg", "https://waha.example.com/other/a.jpeg"),
        ("https://s3.example.com/b/k?X-Amz-Signature=s", "https://s3.example.com/b/k?X-Amz-Signature=s"),
        ("http://minio:9000/b/k", "http://minio:9000/b/k"),
    ],
)
def test_wahas_own_paths_go_to_the_channels_server(url, target):
    assert address_of(url, base_url=BASE) == target


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://127.1/x",
        "http://2130706433/x",
        "http://0x7f000001/x",
        "http://[::1]/x",
        "http://[::ffff:10.0.0.1]/x",
        "http://10.0.0.1:9000/x",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/x",
        "http://a.localhost./x",
        "http://metadata.google.internal/x",
        "file:///etc/passwd",
        "ftp://example.com/x",
        "http:///x",
        "http://[oops/x",
        "",
    ],
)
def test_addresses_inside_the_network_are_never_called(url):
    with pytest.raises(Rejected) as problem:
        address_of(url, base_url=BASE)
    assert problem.value.code == "BAD_ADDRESS"


def file(content: bytes = b"jpeg", **headers: str) -> httpx2.Response:
    return httpx2.Response(200, content=content, headers={"Content-Type": "image/jpeg; x=1", **headers})


async def test_a_file_is_downloaded_with_the_key_from_waha_only():
    server = Server(file(), file())
    client = server.client(base_url=BASE)
    downloaded = await client.download("http://localhost:3000/api/files/crm/a.jpeg", limit=4)
    assert downloaded == Download(data=b"jpeg", mime_type="image/jpeg")
    await client.download("https://s3.example.com/b/k", limit=4)
    assert [request.headers.get("X-Api-Key") for request in server.requests] == ["k", None]


async def test_a_file_can_be_taken_in_pieces():
    server = Server(file(b"x" * 10))
    async with server.client(base_url=BASE).stream("http://x/api/files/a", limit=10) as found:
        assert (found.size, found.mime_type) == (10, "image/jpeg")
        assert b"".join([chunk async for chunk in found.chunks]) == b"x" * 10


async def test_a_file_over_the_limit_is_refused_by_its_announcement_or_on_the_way():
    async def pieces():
        for _ in range(3):
            yield b"xx"

    unannounced = httpx2.Response(200, content=pieces())
    for answer in (file(b"12345"), unannounced):
        with pytest.raises(Rejected) as problem:
            await Server(answer).client(base_url=BASE).download("http://x/api/files/a", limit=4)
        assert problem.value.code == "TOO_LARGE"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            httpx2.Response(404, json={"error": {"code": 404, "message": "File not found"}}),
            Rejected,
            "NOT_FOUND",
        ),
        (httpx2.Response(410), Rejected, "HTTP_410"),
        (httpx2.Response(302, headers={"Location": "http://169.254.169.254/"}), Rejected, "HTTP_302"),
        (httpx2.Response(500), Unavailable, "HTTP_500"),
        (httpx2.ReadTimeout(""), Unavailable, "NO_ANSWER"),
    ],
)
async def test_a_file_that_is_gone_is_told_from_a_server_that_is(answer, kind, code):
    server = Server(answer)
    with pytest.raises(kind) as problem:
        await server.client(base_url=BASE).download("http://x/api/files/a", limit=4)
    assert problem.value.code == code
    assert len(server.requests) == 1
