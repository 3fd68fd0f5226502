"""`GET /media/{id}`: the file of a message, to whoever may read the message or shows a signed link."""

import asyncio
import mimetypes
import os
import stat
from pathlib import Path
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from domain.crm.content import MediaStatus
from domain.crm.file_type import may_be_shown, served_type
from domain.errors import Forbidden
from domain.ids import PREFIXES, MediaId, TenantId, parse_type_id
from persistence.database import Database
from persistence.messaging.media import KeptFile
from persistence.outages import OUTAGES
from services.crm import media
from services.media_links import SECONDS, MediaLinks
from services.ports import Storage
from ventros.auth import Authenticator

log = structlog.get_logger()

_RETRY_SECONDS = 2
_LONGEST_NUMBER = 12
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    # Whatever a file is, it runs nothing, and shows only itself.
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'; object-src 'self'; "
    "style-src 'unsafe-inline'; sandbox",
    # Front ends of other origins show pictures by their signed links.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Authorization",
}


class Refused(Exception):
    """The caller gets no file; `answer` says why."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class MediaEndpoint:
    """What the endpoint needs."""

    def __init__(
        self, database: Database, storage: Storage, *, authenticator: Authenticator, links: MediaLinks
    ) -> None:
        self._database = database
        self._storage = storage
        self._authenticator = authenticator
        self._links = links

    def route(self) -> Route:
        """Return the route; it answers HEAD as well."""
        return Route("/media/{id}", self.serve, methods=["GET"])

    async def serve(self, request: Request) -> Response:
        """Answer with a file, whole or in ranges.

        What does not exist, belongs to somebody else or has no good link answers 404 alike. A file that is being
        fetched answers 404 with Retry-After.
        """
        try:
            media_id = MediaId(_parsed("MediaId", request.path_params["id"]))
            if "signature" in request.query_params and "authorization" not in request.headers:
                tenant_id, kept = await self._by_link(request, media_id)
            else:
                tenant_id, kept = await self._by_credential(request, media_id)
            return await self._file(request, kept, tenant_id)
        except Refused as refused:
            return refused.answer
        except OUTAGES as error:
            log.warning("media.unavailable", error=type(error).__name__)
            answer = _problem(503, "UNAVAILABLE", "The file cannot be looked up; try again.")
            answer.headers["Retry-After"] = str(_RETRY_SECONDS)
            return answer

    async def _by_link(self, request: Request, media_id: MediaId) -> tuple[TenantId, KeptFile]:
        query = request.query_params
        tenant_id = TenantId(_parsed("TenantId", query.get("tenant", "")))
        expires = query.get("expires", "")
        is_number = expires.isascii() and expires.isdigit() and len(expires) <= _LONGEST_NUMBER
        if not is_number or not self._links.is_good(
            tenant_id,
            media_id,
            expires=int(expires),
            signature=query["signature"],
            now=self._database.clock.now(),
        ):
            raise Refused(_unknown())
        async with self._database.reading(tenant_id) as reader:
            kept = await media.find_linked(reader, media_id=media_id)
        if kept is None:
            raise Refused(_unknown())
        return tenant_id, kept

    async def _by_credential(self, request: Request, media_id: MediaId) -> tuple[TenantId, KeptFile]:
        viewer = await self._authenticator.viewer(request.headers.get("authorization"))
        if viewer is None:
            answer = _problem(
                401, "UNAUTHENTICATED", "Send Authorization: Bearer <API key>, or a signed link."
            )
            answer.headers["WWW-Authenticate"] = "Bearer"
            raise Refused(answer)
        try:
            async with self._database.reading(viewer.tenant_id) as reader:
                kept = await media.find(reader, viewer, media_id=media_id)
        except Forbidden as error:
            raise Refused(_problem(403, error.code, error.message)) from error
        if kept is None:
            raise Refused(_unknown())
        return viewer.tenant_id, kept

    async def _file(self, request: Request, kept: KeptFile, tenant_id: TenantId) -> Response:
        if kept.sha256 is None or kept.status is not MediaStatus.STORED:
            return _not_there(kept)
        path = self._storage.path(tenant_id, kept.sha256)
        headers = _SAFE | {"ETag": f'"{kept.sha256}"', "Cache-Control": f"private, max-age={SECONDS}"}
        if headers["ETag"] in _tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        found = await asyncio.to_thread(_regular, path)
        if found is None:
            log.error("media.missing", path=str(path))
            return _problem(404, "NOT_FOUND", "The file is missing from the storage.")
        mime_type = served_type(kept.mime_type)
        return FileResponse(
            path,
            headers=headers,
            media_type=mime_type,
            filename=kept.filename
            or request.path_params["id"] + (mimetypes.guess_extension(mime_type) or ""),
            stat_result=found,
            content_disposition_type="inline" if may_be_shown(mime_type) else "attachment",
        )


def _parsed(kind: str, text: str) -> UUID:
    try:
        prefix, value = parse_type_id(text)
    except ValueError:
        raise Refused(_unknown()) from None
    if prefix != PREFIXES[kind]:
        raise Refused(_unknown())
    return value


def _regular(path: Path) -> os.stat_result | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _not_there(kept: KeptFile) -> Response:
    if kept.status is MediaStatus.FAILED:
        return _problem(404, "MEDIA_FAILED", "There is no file; the message's media.error says why.")
    answer = _problem(404, "MEDIA_PENDING", "The file is still being fetched; try again.")
    answer.headers["Retry-After"] = str(_RETRY_SECONDS)
    return answer


def _unknown() -> Response:
    return _problem(404, "NOT_FOUND", "There is no file with this id, or the link has expired.")


def _problem(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse(
        {"error": {"code": code, "message": message}},
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )
