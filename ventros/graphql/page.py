"""GraphiQL from our own files: it works without the Internet and may talk to nobody but us."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from ventros.graphql.access import BASE_HEADERS

_DIRECTORY = resources.files("ventros") / "assets" / "graphiql"
_TYPES = {
    "graphiql-4.1.2.min.css": "text/css",
    "graphiql-4.1.2.min.js": "text/javascript",
    "react-18.3.1.min.js": "text/javascript",
    "react-dom-18.3.1.min.js": "text/javascript",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "LICENSE-graphiql.txt": "text/plain",
    "LICENSE-react.txt": "text/plain",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; "
    # GraphiQL places its editors with inline styles.
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(headers: Mapping[str, str]) -> Response:
    """Return the page."""
    return Response(
        _read("index.html"),
        media_type="text/html",
        headers={**headers, "content-security-policy": _POLICY, "referrer-policy": "no-referrer"},
    )


async def asset(request: Request) -> Response:
    """Return one of the page's files; there are no others to be found by guessing."""
    name = request.path_params["name"]
    if name not in _TYPES:
        return Response(status_code=HTTPStatus.NOT_FOUND, headers=dict(BASE_HEADERS))
    is_versioned = any(character.isdigit() for character in name)
    kept = "public, max-age=31536000, immutable" if is_versioned else "no-cache"
    return Response(
        _read(name),
        media_type=_TYPES[name],
        headers={**BASE_HEADERS, "cache-control": kept},
    )


@cache
def _read(name: str) -> bytes:
    return (_DIRECTORY / name).read_bytes()
