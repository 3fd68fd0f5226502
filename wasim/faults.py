"""Misfortunes that tests order: for webhooks on their way out, for REST calls on their way in."""

from typing import Literal, TypeAlias, TypeVar

import msgspec

from wasim.wire import Wire

WebhookFaultName: TypeAlias = Literal["duplicate", "twin-event", "twin-address", "delay", "reorder", "drop"]
RestFaultName: TypeAlias = Literal[
    "error-500",
    "error-463",
    "error-422",
    "error-404",
    "error-503",
    "error-500-after-send",
    "hang",
    "hang-after-send",
    "refuse",
    "drop-after-send",
    "wrong-json",
    "broken-json",
]
Operation: TypeAlias = Literal["send", "action", "read", "files", "any"]


class WebhookFault(Wire):
    """What happens to the next `count` matching deliveries (None: to all until the faults are cleared).

    `duplicate` posts the same body `copies` times more. `twin-event` posts an incoming message under
    both event names, with different event ids. `twin-address` repeats an incoming message under the
    other address form. `delay` waits `seconds` (real time). `reorder` collects `count` deliveries and
    posts them one by one in reverse; after `seconds` it posts what it has. `drop` never posts.
    """

    fault: WebhookFaultName
    count: int | None = 1
    session: str | None = None
    events: list[str] | None = None
    seconds: float = 1.0
    copies: int = 1

    def concerns(self, session: str, event: str) -> bool:
        """Whether a delivery of this session and event is meant."""
        return self.session in (None, session) and (self.events is None or event in self.events)


class RestFault(Wire):
    """What happens to the next `count` matching REST calls (None: to all until the faults are cleared).

    The `…-after-send` faults and `wrong-json` let the call take effect first. `hang` ends after
    `seconds` (None: with the simulator) by closing the connection. `refuse` closes the connection
    before anything happens, `drop-after-send` after everything has happened.
    """

    fault: RestFaultName
    count: int | None = 1
    operation: Operation = "send"
    chat_id: str | None = None
    seconds: float | None = None

    @property
    def takes_effect(self) -> bool:
        """Whether the call is carried out before the fault strikes."""
        return self.fault in ("error-500-after-send", "hang-after-send", "drop-after-send", "wrong-json")


F = TypeVar("F", WebhookFault, RestFault)


class Faults:
    """The faults in force, oldest first."""

    def __init__(self) -> None:
        self.webhooks: list[WebhookFault] = []
        self.rest: list[RestFault] = []

    def take_webhook(self, session: str, event: str, *names: WebhookFaultName) -> WebhookFault | None:
        """Use up one turn of the first webhook fault among `names` that concerns this delivery."""
        for fault in self.webhooks:
            if fault.fault in names and fault.concerns(session, event):
                return _use(self.webhooks, fault)
        return None

    def take_rest(self, operation: Operation, raw: bytes) -> RestFault | None:
        """Use up one turn of the first REST fault that concerns this call."""
        for fault in self.rest:
            if fault.operation in ("any", operation) and _chat_matches(fault, raw):
                return _use(self.rest, fault)
        return None

    def clear(self) -> None:
        """Back to good weather."""
        self.webhooks.clear()
        self.rest.clear()


def _use(faults: list[F], fault: F) -> F:
    if fault.count is not None:
        fault.count -= 1
        if fault.count <= 0:
            faults.remove(fault)
    return fault


def _chat_matches(fault: RestFault, raw: bytes) -> bool:
    if fault.chat_id is None:
        return True
    try:
        body = msgspec.json.decode(raw or b"null")
    except msgspec.DecodeError:
        return False
    return isinstance(body, dict) and body.get("chatId") == fault.chat_id
