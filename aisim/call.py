"""What every call shares: the record, the key, faults, and errors as answers."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from aisim.errors import ApiError, quota_exceeded, rate_limited, server_error, unauthorized
from aisim.faults import Endpoint, Fault
from aisim.provider import Asked, Provider
from aisim.wire import encode

Handler = Callable[["Call"], Awaitable[Response]]


@dataclass(eq=False, kw_only=True)
class Call:
    """One call while it is being answered."""

    provider: Provider
    request: Request
    raw: bytes
    asked: Asked

    async def strike(self, text: str) -> Fault | None:
        """Let a fault strike, if one does.

        Raises `ApiError` for those that are errors and waits for `slow`; the rest are for the handler to act out.
        """
        fault = self.provider.faults.take(self.asked.endpoint, text)
        if fault is None:
            return None
        self.asked.outcome = fault.fault
        match fault.fault:
            case "429":
                raise rate_limited(fault.seconds)
            case "quota":
                raise quota_exceeded()
            case "500":
                raise server_error()
            case "slow":
                await self.provider.wait(fault.seconds)
                return None
        return fault

    def spoil(self, fault: Fault | None, response: Response) -> Response:
        """The response as a fault leaves it: cut off, half a JSON text, or another object."""
        match fault.fault if fault is not None else None:
            case "cut":
                return CutResponse(self.provider, self.request, response)
            case "bad_json":
                # Whatever it was, what begins an object and does not end it is no JSON.
                half = b'{"id": ' + bytes(response.body)[: len(response.body) // 2]
                return Response(half, media_type="application/json")
            case "wrong_shape":
                return answer({"object": "unexpected"})
        return response


class CutResponse(Response):
    """Half of another response, after which the connection is closed; without a socket a 502."""

    def __init__(self, provider: Provider, request: Request, whole: Response) -> None:
        super().__init__(status_code=502)
        self._provider = provider
        self._client = request.client
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the beginning, with the length of the whole."""
        abort = self._provider.abort
        if abort is None or self._client is None:
            await super().__call__(scope, receive, send)
            return
        body = bytes(self._whole.body)
        await send({"type": "http.response.start", "status": 200, "headers": self._whole.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await cut(abort, (self._client.host, self._client.port), receive)


async def cut(abort: Callable[[tuple[str, int]], None], client: tuple[str, int], receive: Receive) -> None:
    """Close the connection of a client and wait until it is closed."""
    abort(client)
    while (await receive())["type"] != "http.disconnect":
        pass


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(encode(body), status_code=status, headers=headers, media_type="application/json")


async def serve(provider: Provider, endpoint: Endpoint, handler: Handler, request: Request) -> Response:
    """Record the call, check the key, answer it, turn errors into answers."""
    call = Call(
        provider=provider,
        request=request,
        raw=await request.body(),
        asked=provider.note(endpoint, {}),
    )
    headers = {"x-request-id": provider.id("req_")}
    try:
        _check_key(provider, request)
        response = await handler(call)
    except ApiError as error:
        if call.asked.outcome == "open":
            call.asked.outcome = str(error.status)
        response = answer(error.body, error.status, error.headers)
    if call.asked.outcome == "open":
        call.asked.outcome = "answered"
    call.asked.status = response.status_code if not isinstance(response, CutResponse) else 200
    response.headers.update(headers)
    return response


def _check_key(provider: Provider, request: Request) -> None:
    expected = provider.config.api_key
    if expected is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise unauthorized(given=False)
    if not hmac.compare_digest(given.strip().encode(), expected.encode()):
        raise unauthorized(given=True)
