"""Everything that can be set from outside, with its meaning and default."""

import os
from decimal import Decimal
from enum import Enum
from math import ceil
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import pydantic_settings
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from domain.ai.price import Price, Prices
from ventros.development.directory import DataDirectory

Dollars = Annotated[Decimal, Field(ge=0, le=100_000, allow_inf_nan=False)]
_MICRO = 1_000_000


class Environment(Enum):
    """Where the program runs; production refuses to start with defaults that are fit for one machine only."""

    DEV = "dev"
    TEST = "test"
    PRODUCTION = "production"


_JSON = {
    "allowed_origins": '["https://crm.example.org"]',
    "ai_prices": '{"gpt-4o-mini": {"prompt": 0.15, "completion": 0.60}}',
}


class SettingsError(Exception):
    """The environment cannot be used; the message says what to change."""


SHORTEST_SECRET_KEY = 32
_PREFIX = "VENTROS_"
_REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
_NO_DATABASE = "DATABASE_URL is not set; set it to a PostgreSQL database, or use ./run for an embedded one."


class ModelPrice(BaseModel):
    """What a model costs in US dollars, per million tokens or per minute of sound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Dollars | None = None
    cached: Dollars | None = None
    completion: Dollars | None = None
    minute: Dollars | None = None

    @property
    def exact(self) -> Price:
        """The price in micro-USD; what is below one is rounded up."""
        return Price(
            prompt=_micro(self.prompt),
            cached=_micro(self.cached),
            completion=_micro(self.completion),
            minute=_micro(self.minute),
        )


class Settings(BaseSettings):
    """The settings of one process, read from the environment once."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True, populate_by_name=True)

    env: Environment = Field(default=Environment.DEV, description="dev, test or production.")
    database_url: str = Field(
        default="", validation_alias="DATABASE_URL", description="PostgreSQL, postgresql://user@host/name."
    )
    redis_url: str = Field(
        default="",
        validation_alias="REDIS_URL",
        description="Redis or Valkey, redis://host:6379/0 or unix:///path?db=0. Without it everything polls.",
    )
    amqp_url: str = Field(
        default="",
        validation_alias="AMQP_URL",
        description="RabbitMQ; reserved, nothing is published there yet.",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""), description="Encrypts stored credentials; at least 32 random characters."
    )
    data_dir: Path | None = Field(
        default=None,
        description="Where `./run` and received files are kept; every API and worker process must see the same "
        "directory. By default /var/lib/ventros for root, else ~/.local/share/ventros.",
    )
    host: str = Field(default="127.0.0.1", description="The address the API listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port the API listens on.")
    log_level: str = Field(default="info", description="debug, info, warning or error.")
    log_json: bool | None = Field(default=None, description="JSON logs; by default except on a terminal.")
    public_url: str = Field(
        default="",
        description="Where WAHA and browsers reach this server, such as https://crm.example.org.",
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(),
        description='Browser origins besides our own that may open sockets, as JSON: ["https://…"].',
    )
    webhook_body_limit: int = Field(
        default=8 * 1024 * 1024, ge=1024, description="The largest webhook body accepted, in bytes."
    )
    intake_queue_limit: int = Field(
        default=4_000, ge=1, description="Webhooks waiting for a commit before the answer is 503."
    )
    lane_workers: int = Field(
        default=2, ge=1, le=16, description="Claim loops for the inbox per worker process."
    )
    database_pool_size: int = Field(
        default=10, ge=1, le=200, description="Connections for tenants' transactions."
    )
    archive_days: int = Field(default=7, ge=1, le=365, description="How long raw webhooks are kept.")
    job_history_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="How long jobs that succeeded are kept; failures stay 90 days or longer.",
    )
    job_success_share: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="Which part of the jobs that succeed at once is kept; failures all are.",
    )
    worker_metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Where a worker answers Prometheus; 0 for nowhere."
    )

    ai_url: str = Field(
        default="",
        description="The provider of AI models, OpenAI-compatible, such as https://api.openai.com/v1. "
        "Without it nothing is asked.",
    )
    ai_key: SecretStr = Field(default=SecretStr(""), description="The key of the provider of AI models.")
    ai_model: str = Field(default="gpt-4o-mini", min_length=1, description="The model that chats.")
    ai_vision_model: str = Field(
        default="", description="The model that describes pictures; by default the one that chats."
    )
    ai_transcription_model: str = Field(
        default="whisper-1", min_length=1, description="The model that writes down recordings."
    )
    ai_prices: dict[str, ModelPrice] = Field(
        default={},
        description="What models cost in US dollars, per million tokens or per minute of sound, as JSON: "
        '{"gpt-4o-mini": {"prompt": 0.15, "cached": 0.075, "completion": 0.60}, "whisper-1": {"minute": 0.006}}.',
    )
    ai_transcribes_video: bool = Field(
        default=False,
        description="Whether the provider writes down videos (MP4, WebM) as it does recordings, as OpenAI's does. "
        "A faster-whisper model on this machine always does.",
    )
    ai_daily_budget: Dollars | None = Field(
        default=None,
        description="What AI providers may cost a project in a day of UTC, in US dollars, unless the project says so "
        "itself; by default there is no limit. Only models that have a price are counted. Calls that are under way "
        "when it is spent are still paid.",
    )
    whisper_model_path: Path | None = Field(
        default=None,
        description="The directory of a faster-whisper model, to write down recordings on this machine instead.",
    )

    @field_validator("database_url")
    @classmethod
    def _plain_scheme(cls, value: str) -> str:
        """Accept the spellings of other tools; which driver is used is our affair."""
        scheme, separator, rest = value.strip().partition("://")
        if not separator:
            return value.strip()
        if scheme.partition("+")[0] not in {"postgresql", "postgres"}:
            raise ValueError("must begin with postgresql://")
        url = f"postgresql://{rest}"
        try:
            make_url(url)
        except (ArgumentError, ValueError):
            # The reason quotes parts of the password.
            raise ValueError(
                "is no address such as postgresql://user:password@host:5432/name; in a password, write @ as %40, "
                ": as %3A and / as %2F"
            ) from None
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: str) -> str:
        if value and not value.startswith(_REDIS_SCHEMES):
            raise ValueError(f"must begin with {', '.join(_REDIS_SCHEMES[:-1])} or {_REDIS_SCHEMES[-1]}")
        return value

    @field_validator("ai_url")
    @classmethod
    def _provider_address(cls, value: str) -> str:
        url = value.strip().rstrip("/")
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
            raise ValueError("must be an address such as https://api.openai.com/v1")
        if "@" in parts.netloc:
            raise ValueError("must hold no password; the key belongs in VENTROS_AI_KEY")
        return url

    @field_validator("ai_key")
    @classmethod
    def _key_for_a_header(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("has characters that no key has: spaces, line breaks, or others beyond ASCII")
        return SecretStr(key)

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        level = value.lower()
        if level not in {"debug", "info", "warning", "error"}:
            raise ValueError("must be debug, info, warning or error")
        return level

    @property
    def is_production(self) -> bool:
        """Whether this is a production installation."""
        return self.env is Environment.PRODUCTION

    @property
    def base_url(self) -> str:
        """Where others reach this server."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def vision_model(self) -> str:
        """The model that describes pictures."""
        return self.ai_vision_model or self.ai_model

    @property
    def ai_daily_budget_microusd(self) -> int | None:
        """What AI providers may cost a project in a day, in micro-USD; None is no limit."""
        return _micro(self.ai_daily_budget)

    @property
    def prices(self) -> Prices:
        """What models cost, as far as the operator says."""
        return Prices({model: price.exact for model, price in self.ai_prices.items()})

    @property
    def media_directory(self) -> Path:
        """Where the files of messages are kept."""
        return DataDirectory.choose(self.data_dir, os.environ).path / "media"

    def problems(self) -> list[str]:
        """Say what keeps a server from starting with these settings, and what to do about it."""
        found = []
        if not self.database_url:
            found.append(_NO_DATABASE)
        if len(self.secret_key.get_secret_value()) < SHORTEST_SECRET_KEY:
            found.append(
                f"VENTROS_SECRET_KEY has fewer than {SHORTEST_SECRET_KEY} characters; "
                "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
            )
        if self.is_production:
            if not self.redis_url:
                found.append("REDIS_URL is not set; production needs Redis for live updates and jobs.")
            if not self.public_url:
                found.append("VENTROS_PUBLIC_URL is not set; WAHA must know where to send webhooks.")
        return found


def load() -> Settings:
    """Read the environment. Raises `SettingsError` that names each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{_variable(one['loc'][0])} {one['msg'].removeprefix('Value error, ')}" for one in error.errors()
        ]
        raise SettingsError("The environment is not usable:\n  " + "\n  ".join(lines)) from error
    except pydantic_settings.SettingsError as error:
        # Raised for the values that are JSON; the message names the field, and no other way tells it.
        field = next(one for one in _JSON if f'"{one}"' in str(error))
        raise SettingsError(
            f"The environment is not usable:\n  {_variable(field)} is not JSON such as {_JSON[field]}"
        ) from error


def load_for_serving() -> Settings:
    """Read the environment and refuse what no server can run with. Raises `SettingsError`."""
    settings = load()
    if found := settings.problems():
        raise SettingsError("Ventros cannot start:\n  " + "\n  ".join(found))
    return settings


def load_for_database() -> Settings:
    """Read the environment for a command that needs nothing but PostgreSQL. Raises `SettingsError`."""
    settings = load()
    if not settings.database_url:
        raise SettingsError(_NO_DATABASE)
    return settings


def _micro(dollars: Decimal | None) -> int | None:
    return None if dollars is None else ceil(dollars * _MICRO)


def _variable(field: int | str) -> str:
    """Return the environment variable behind a field; one with an alias is already called by it."""
    return f"{_PREFIX}{field}".upper() if field in Settings.model_fields else str(field)
