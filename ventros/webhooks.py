"""`POST /webhooks/waha/{token}`: checks a webhook's signature and answers once it is durably stored."""

import time
import zlib
from collections import OrderedDict

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.waha import envelope, signature
from persistence.database import Database
from persistence.messaging.intake import ReceivedWebhook, WebhookAddress, find_webhook
from persistence.outages import OUTAGES
from services.ports import Vault
from services.secrets import webhook_hmac_key_context
from ventros.intake import Intake, IntakeUnavailable

log = structlog.get_logger()

ANSWERS = Counter("ventros_webhook_answers", "Answers to WAHA, by status.", ["status"])
LATENCY = Histogram(
    "ventros_webhook_seconds",
    "From the request to its answer.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)

_CACHE_SECONDS, _CACHE_LIMIT = 10.0, 10_000
_RETRY_SECONDS = 5
_LANE_MASK = 0x7FFFFFFF
_TOKEN_LIMIT = 100


class TooLarge(Exception):
    """The body exceeds the limit."""


class WebhookEndpoint:
    """What the endpoint needs; the vault opens a channel's HMAC key, `body_limit` is in bytes."""

    def __init__(self, database: Database, intake: Intake, *, vault: Vault, body_limit: int) -> None:
        self._database = database
        self._intake = intake
        self._vault = vault
        self._limit = body_limit
        self._known: OrderedDict[str, tuple[float, WebhookAddress, str]] = OrderedDict()

    def route(self) -> Route:
        """Return the route."""
        return Route("/webhooks/waha/{token}", self.receive, methods=["POST"])

    async def receive(self, request: Request) -> Response:
        """Answer a webhook: 2xx only when it is stored."""
        with LATENCY.time():
            answer = await self._answer(request)
        ANSWERS.labels(str(answer.status_code)).inc()
        return answer

    async def _answer(self, request: Request) -> Response:
        try:
            raw = await self._body(request)
        except TooLarge:
            return _problem(413, "PAYLOAD_TOO_LARGE", f"The body exceeds {self._limit} bytes.")
        except ClientDisconnect:
            return _problem(400, "BAD_REQUEST", "The request ended before its body.")
        try:
            found = await self._address(request.path_params["token"])
        except OUTAGES as error:
            log.warning("webhook.unavailable", error=type(error).__name__)
            return _unavailable()
        # An unknown address and a wrong signature look the same, so that addresses cannot be guessed one by one.
        header = request.headers.get("x-webhook-hmac")
        if found is None or not signature.verify(raw, header, [found[1]]):
            return _problem(
                401,
                "UNAUTHENTICATED",
                "X-Webhook-Hmac must be the HMAC-SHA512 of the body under the channel's key.",
            )
        received_at = self._database.clock.now()
        try:
            read = envelope.read(raw, received_at=received_at)
        except envelope.MalformedPayload as error:
            return _problem(400, "BAD_REQUEST", str(error))
        address = found[0]
        if read.session and read.session != address.waha_session:
            return _problem(
                400, "BAD_REQUEST", f"This channel belongs to the WAHA session {address.waha_session!r}."
            )
        try:
            await self._intake.store(
                ReceivedWebhook(
                    tenant_id=address.tenant_id,
                    channel_id=address.channel_id,
                    event_key=read.event_key,
                    kind=read.event,
                    lane=zlib.crc32(f"{address.channel_id} {read.chat_key}".encode()) & _LANE_MASK,
                    occurred_at=read.occurred_at or received_at,
                    received_at=received_at,
                    body=raw,
                )
            )
        except IntakeUnavailable:
            return _unavailable()
        return Response(status_code=202)

    async def _body(self, request: Request) -> bytes:
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self._limit:
            raise TooLarge
        chunks, size = [], 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._limit:
                raise TooLarge
            chunks.append(chunk)
        return b"".join(chunks)

    async def _address(self, token: str) -> tuple[WebhookAddress, str] | None:
        """Return the channel behind a token and its HMAC key; remembered for a few seconds."""
        known = self._known.get(token)
        if known is not None and known[0] > time.monotonic():
            return known[1], known[2]
        if len(token) > _TOKEN_LIMIT:
            return None
        address = await find_webhook(self._database.system, token)
        if address is None:
            self._known.pop(token, None)
            return None
        key = self._vault.open(address.hmac_key, context=webhook_hmac_key_context(token))
        self._known[token] = (time.monotonic() + _CACHE_SECONDS, address, key)
        if len(self._known) > _CACHE_LIMIT:
            self._known.popitem(last=False)
        return address, key


def _problem(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


def _unavailable() -> JSONResponse:
    answer = _problem(503, "UNAVAILABLE", "The webhook was not stored; send it again.")
    answer.headers["Retry-After"] = str(_RETRY_SECONDS)
    return answer
