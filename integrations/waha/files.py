"""Fetching the files of messages from WAHA, which keeps them for three minutes unless told otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

import httpx2

from integrations.errors import Rejected
from integrations.waha.fields import as_number
from integrations.waha.transport import MEDIA, Transport, failure_of, origin_of, refusal_of, timeouts

_FILES_PATH = "/api/files/"
_REFUSAL_LIMIT = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """A file in memory."""

    data: bytes
    mime_type: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileStream:
    """A file on its way; `size` in bytes if the server tells."""

    chunks: AsyncIterator[bytes]
    mime_type: str | None
    size: int | None


async def download(transport: Transport, url: str, *, limit: int) -> Download:
    """Return a file of at most `limit` bytes; see `stream`."""
    async with stream(transport, url, limit=limit) as file:
        return Download(data=b"".join([chunk async for chunk in file.chunks]), mime_type=file.mime_type)


@asynccontextmanager
async def stream(transport: Transport, url: str, *, limit: int) -> AsyncIterator[FileStream]:
    """Open a file that a message names.

    Raises `Rejected` when there is no such file any more, when it has more than `limit` bytes, or when the
    address is not one to call; `Unavailable` when the server does not answer.
    """
    target = address_of(url, base_url=transport.base_url)
    try:
        async with transport.http.stream(
            "GET",
            target,
            headers=transport.headers_for(target),
            timeout=timeouts(MEDIA),
            follow_redirects=False,
        ) as response:
            if not response.is_success:
                raise refusal_of(
                    response.status_code, await _beginning(response), response.headers, is_safe=True
                )
            size = as_number(response.headers.get("Content-Length"))
            if size is not None and size > limit:
                raise _too_large(limit)
            mime_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            yield FileStream(
                chunks=_limited(response, limit=limit),
                mime_type=mime_type or None,
                size=None if size is None else int(size),
            )
    except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
        raise failure_of(problem, is_safe=True) from problem


def address_of(url: str, *, base_url: str) -> str:
    """Return where to fetch a file, or raise `Rejected` for an address that must not be called.

    WAHA builds its own addresses from a setting that often says `localhost`: those with its path for files are
    sent to the channel's server. Other addresses are those of object storage: any named host, but never an
    address inside this machine or its network, which a forged event could point to.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise Rejected("The file's address cannot be read.", code="BAD_ADDRESS") from None
    if parts.path.startswith(_FILES_PATH):
        return urlunsplit(("", "", base_url.rstrip("/") + parts.path, parts.query, ""))
    if origin_of(url) == origin_of(base_url):
        return url
    if parts.scheme not in {"http", "https"} or not host or _is_inside(host):
        raise Rejected("The file's address is not one of WAHA or of an object storage.", code="BAD_ADDRESS")
    return url


def _is_inside(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        # A name may be a neighbour's, such as `minio`; one that ends in a number is an address in disguise.
        last = host.rstrip(".").rpartition(".")[2].lower()
        return last in {"localhost", "internal"} or last.isdigit() or last.startswith("0x")


async def _limited(response: httpx2.Response, *, limit: int) -> AsyncIterator[bytes]:
    total = 0
    async for chunk in response.aiter_bytes():
        total += len(chunk)
        if total > limit:
            raise _too_large(limit)
        yield chunk


async def _beginning(response: httpx2.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) >= _REFUSAL_LIMIT:
            break
    return content


def _too_large(limit: int) -> Rejected:
    return Rejected(f"The file has more than {limit} bytes.", code="TOO_LARGE")
