"""What a simulator is started with: key, sessions and their webhooks, pace, seed."""

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from wasim.wire import Wire

EngineName: TypeAlias = Literal["GOWS", "NOWEB", "WEBJS"]
Policy: TypeAlias = Literal["constant", "linear", "exponential"]

VERSION = "2026.7.1"
"""The WAHA version the simulator imitates."""


class HmacSettings(Wire):
    """The key that signs a webhook's bodies."""

    key: str | None = None


class RetrySettings(Wire):
    """How a failed delivery is repeated; `attempts` counts the repeats, not the first post."""

    policy: Policy = "constant"
    delay_seconds: float = 2.0
    attempts: int = 15


class HeaderSettings(Wire):
    """One header added to every post of a webhook."""

    name: str
    value: str


class WebhookSettings(Wire):
    """One entry of `webhooks[]` in a session's config."""

    url: str
    events: list[str]
    hmac: HmacSettings | None = None
    retries: RetrySettings | None = None
    custom_headers: list[HeaderSettings] | None = None


class SessionSettings(Wire):
    """One session that exists, paired and WORKING, when the simulator starts."""

    name: str
    engine: EngineName = "GOWS"
    phone: str = "5511999990000"
    lid: str | None = None
    push_name: str = "Loja Exemplo"
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    webhooks: list[WebhookSettings] = msgspec.field(default_factory=list)
    ignore: dict[str, bool] = msgspec.field(default_factory=dict)
    webjs: dict[str, bool] = msgspec.field(default_factory=lambda: {"tagsEventsOn": True})


class SimulatorConfig(Wire):
    """The whole configuration file.

    `pace` stretches everything people and the network do: 1 is life, 0 is at once.
    `retry_pace` does the same for the delays between webhook retries.
    `auto_acks` lets delivery and read receipts follow a send by themselves.
    `files_lifetime` is in seconds; 0 keeps every file.
    `scan_seconds` makes a waiting QR code be scanned by itself after that time.
    """

    api_key: str | None = None
    engine: EngineName = "GOWS"
    sessions: list[SessionSettings] = msgspec.field(default_factory=list)
    personas: bool = True
    history: bool | None = None
    seed: int = 1
    pace: float = 1.0
    retry_pace: float = 1.0
    auto_acks: bool = True
    base_url: str | None = None
    files_lifetime: float = 180.0
    scan_seconds: float | None = None


def load(path: Path) -> SimulatorConfig:
    """Read a configuration file. Raises `ValueError` naming the file and the field at fault."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=SimulatorConfig)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is no simulator configuration: {error}") from error
