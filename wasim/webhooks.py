"""Webhooks as WAHA sends them: one envelope per event, signed, posted in parallel, retried."""

import asyncio
import hashlib
import hmac
import random
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import httpx2
import structlog

from wasim.background import Background
from wasim.clock import Clock
from wasim.config import VERSION, EngineName, RetrySettings, WebhookSettings
from wasim.faults import Faults
from wasim.ids import new_event_id
from wasim.session import Session
from wasim.wire import Body, encode

log = structlog.get_logger("wasim")

State: TypeAlias = Literal["waiting", "held", "delivered", "failed", "dropped"]

KEPT = 10_000
"""How many deliveries the record remembers."""


@dataclass(eq=False, kw_only=True)
class Delivery:
    """One event on its way to one URL; `attempts` says what each post came back with."""

    request_id: str
    session: str
    event: str
    envelope_id: str
    payload_id: str | None
    timestamp: int
    webhook: WebhookSettings
    raw: bytes
    state: State = "waiting"
    attempts: list[str] = field(default_factory=list)


def sign(key: str, raw: bytes) -> str:
    """HMAC-SHA512 of the exact body, lower-case hex."""
    return hmac.new(key.encode(), raw, hashlib.sha512).hexdigest()


def environment(engine: EngineName) -> Body:
    """The `environment` of envelopes, also the answer of `server/version`."""
    browser = "/usr/bin/chromium" if engine == "WEBJS" else None
    shown: Body = {"version": VERSION, "engine": engine, "tier": "CORE", "browser": browser}
    return shown | {"platform": "linux/x64", "worker": {"id": "waha1"}}


def subscribed(webhook: WebhookSettings, event: str) -> bool:
    """Whether the webhook's list holds the event; `*` stands for all but `engine.event`."""
    return event in webhook.events or ("*" in webhook.events and event != "engine.event")


def retry_delay(retries: RetrySettings, attempt: int, retry_after: float) -> float:
    """Seconds before repeat number `attempt` (from 1), jitter left out."""
    match retries.policy:
        case "constant":
            return max(retries.delay_seconds, retry_after)
        case "linear":
            return attempt * retries.delay_seconds
        case "exponential":
            return float(2**attempt) * retries.delay_seconds


class Webhooks:
    """Publishes events to every webhook that wants them and remembers how each delivery went."""

    def __init__(self, clock: Clock, background: Background, faults: Faults, *, retry_pace: float) -> None:
        self.record: deque[Delivery] = deque(maxlen=KEPT)
        self.holding = False
        self._held: list[Delivery] = []
        self._reordered: list[Delivery] = []
        self._flushing: asyncio.Task[None] | None = None
        self._clock = clock
        self._background = background
        self._faults = faults
        self._retry_pace = retry_pace
        self._client: httpx2.AsyncClient | None = None

    def publish(self, session: Session, event: str, payload: Body, *, like: str | None = None) -> None:
        """Post the event to every webhook of the session that wants it, or wants events `like` it."""
        envelope_id, raw, timestamp = self._envelope(session, event, payload)
        payload_id = payload.get("id")
        for webhook in session.webhooks:
            if subscribed(webhook, event) or (like is not None and subscribed(webhook, like)):
                delivery = Delivery(
                    request_id=str(uuid.uuid4()),
                    session=session.name,
                    event=event,
                    envelope_id=envelope_id,
                    payload_id=payload_id if isinstance(payload_id, str) else None,
                    timestamp=timestamp,
                    webhook=webhook,
                    raw=raw,
                )
                self._dispatch(delivery)

    def hold(self) -> None:
        """Keep back everything from now on."""
        self.holding = True

    def release(self, order: Literal["same", "reverse", "shuffle"], seed: int) -> int:
        """Post what was kept back, one after the other in the given order; answers how many."""
        self.holding = False
        batch, self._held = self._held, []
        if order == "reverse":
            batch.reverse()
        elif order == "shuffle":
            random.Random(seed).shuffle(batch)  # noqa: S311 -- an order, not a secret
        self._background.spawn(self._post_in_order(batch))
        return len(batch)

    def lose(self) -> int:
        """Give up everything undelivered, as a WAHA that restarts does; answers how many deliveries."""
        lost = [delivery for delivery in self.record if delivery.state in ("waiting", "held")]
        for delivery in lost:
            delivery.state = "dropped"
        self._held.clear()
        self._reordered.clear()
        return len(lost)

    def forget(self) -> None:
        """Empty the record and drop what is held."""
        self.record.clear()
        self._held.clear()
        self._reordered.clear()
        self.holding = False

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _envelope(self, session: Session, event: str, payload: Body) -> tuple[str, bytes, int]:
        timestamp = self._clock.millis()
        envelope_id = new_event_id(timestamp)
        envelope: Body = {
            "id": envelope_id,
            "timestamp": timestamp,
            "event": event,
            "session": session.name,
            "metadata": session.metadata,
            "me": session.me.shown(session.engine) if session.me is not None else None,
            "payload": payload,
            "engine": session.engine,
            "environment": environment(session.engine),
        }
        return envelope_id, encode(envelope), timestamp

    def _dispatch(self, delivery: Delivery) -> None:
        self.record.append(delivery)
        if self.holding:
            delivery.state = "held"
            self._held.append(delivery)
            return
        fault = self._faults.take_webhook(
            delivery.session, delivery.event, "duplicate", "delay", "drop", "reorder"
        )
        if fault is None:
            self._background.spawn(self._post(delivery))
        elif fault.fault == "drop":
            delivery.state = "dropped"
        elif fault.fault == "reorder":
            self._collect(delivery, seconds=fault.seconds, last=fault.count == 0)
        elif fault.fault == "delay":
            self._background.spawn(self._post_later(delivery, fault.seconds))
        else:
            for _ in range(fault.copies + 1):
                self._background.spawn(self._post(delivery))

    def _collect(self, delivery: Delivery, *, seconds: float, last: bool) -> None:
        delivery.state = "held"
        self._reordered.append(delivery)
        if last:
            self._flush()
        elif len(self._reordered) == 1:
            self._flushing = self._background.spawn(self._flush_later(seconds))

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        batch, self._reordered = self._reordered[::-1], []
        self._background.spawn(self._post_in_order(batch))

    async def _flush_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._flushing = None
        self._faults.webhooks[:] = [f for f in self._faults.webhooks if f.fault != "reorder"]
        self._flush()

    async def _post_later(self, delivery: Delivery, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._post(delivery)

    async def _post_in_order(self, batch: list[Delivery]) -> None:
        for delivery in batch:
            await self._post(delivery)

    async def _post(self, delivery: Delivery) -> None:
        retries = delivery.webhook.retries or RetrySettings()
        if delivery.state == "held":
            delivery.state = "waiting"
        retry_after = 0.0
        for attempt in range(retries.attempts + 1):
            if attempt:
                delay = retry_delay(retries, attempt, retry_after)
                jitter = random.uniform(0, 0.2) * delay if retries.policy == "exponential" else 0.0  # noqa: S311
                await asyncio.sleep((delay + jitter) * self._retry_pace)
            if delivery.state == "dropped":
                return
            accepted, retry_after = await self._try(delivery)
            if accepted:
                delivery.state = "delivered"
                return
        delivery.state = "failed"
        log.warning("webhook given up", session=delivery.session, webhook_event=delivery.event)

    async def _try(self, delivery: Delivery) -> tuple[bool, float]:
        if self._client is None:
            # WAHA sets no timeout and checks no certificate.
            limits = httpx2.Limits(max_connections=256, max_keepalive_connections=64)
            self._client = httpx2.AsyncClient(timeout=None, verify=False, trust_env=False, limits=limits)
        try:
            answer = await self._client.post(
                delivery.webhook.url, content=delivery.raw, headers=_headers(delivery)
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            delivery.attempts.append(type(error).__name__)
            return False, 0.0
        delivery.attempts.append(str(answer.status_code))
        wait = answer.headers.get("retry-after", "")
        return answer.is_success, float(wait) if wait.isdigit() else 0.0


def _headers(delivery: Delivery) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"WAHA/{VERSION}",
        "X-Webhook-Request-Id": delivery.request_id,
        "X-Webhook-Timestamp": str(delivery.timestamp),
    }
    key = delivery.webhook.hmac.key if delivery.webhook.hmac is not None else None
    if key:
        headers |= {"X-Webhook-Hmac": sign(key, delivery.raw), "X-Webhook-Hmac-Algorithm": "sha512"}
    for header in delivery.webhook.custom_headers or []:
        headers[header.name] = header.value
    return headers
