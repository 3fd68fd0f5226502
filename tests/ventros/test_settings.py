"""Settings: what may be set, and what is said when it is wrong."""

import pytest

from domain.ai.price import Price
from ventros import settings
from ventros.settings import SettingsError


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("VENTROS_") or name in {"DATABASE_URL", "REDIS_URL", "AMQP_URL"}:
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "written",
    ["postgresql://a@h/d", "postgres://a@h/d", "postgresql+asyncpg://a@h/d", " postgresql://a@h/d "],
)
def test_a_database_url_may_be_spelt_as_other_tools_do(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("DATABASE_URL", written)

    assert settings.load().database_url == "postgresql://a@h/d"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATABASE_URL", "mysql://a@h/d", "must begin with postgresql://"),
        ("VENTROS_PORT", "eighty", "valid integer"),
        ("VENTROS_LOG_LEVEL", "loud", "must be debug, info, warning or error"),
        ("VENTROS_ENV", "prod", "'dev', 'test' or 'production'"),
        ("VENTROS_LANE_WORKERS", "0", "greater than or equal to 1"),
        ("VENTROS_AI_URL", "api.openai.com/v1", "must be an address such as https://api.openai.com/v1"),
        ("VENTROS_AI_URL", "ftp://host/v1", "must be an address such as"),
        ("VENTROS_AI_URL", "http://[/v1", "must be an address such as"),
        ("VENTROS_AI_URL", "https://host/v1?key=a", "must be an address such as"),
        ("VENTROS_AI_URL", "https://user:pass@host/v1", "the key belongs in VENTROS_AI_KEY"),
        ("VENTROS_AI_MODEL", "", "at least 1 character"),
        ("VENTROS_AI_PRICES", "cheap", 'VENTROS_AI_PRICES is not JSON such as {"gpt-4o-mini"'),
        ("VENTROS_AI_PRICES", '{"m": {"prompt": -1}}', "greater than or equal to 0"),
        ("VENTROS_AI_PRICES", '{"m": {"hour": 1}}', "Extra inputs are not permitted"),
        ("VENTROS_ALLOWED_ORIGINS", "x", "VENTROS_ALLOWED_ORIGINS is not JSON such as"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        settings.load()

    assert told in str(caught.value)


def test_a_key_that_no_header_can_carry_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTROS_AI_KEY", "sk-secret\r\nHost: elsewhere")

    with pytest.raises(SettingsError, match="VENTROS_AI_KEY has characters that no key has") as caught:
        settings.load()

    assert "sk-secret" not in str(caught.value)


def test_prices_are_exact_and_pictures_are_described_by_the_chat_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prices = '{"m": {"prompt": 0.15, "cached": 0.0750001, "completion": 0.6}, "whisper-1": {"minute": 0.006}}'
    monkeypatch.setenv("VENTROS_AI_PRICES", prices)
    monkeypatch.setenv("VENTROS_AI_MODEL", "m")
    monkeypatch.setenv("VENTROS_AI_URL", " http://localhost:9000/v1/ ")

    loaded = settings.load()

    assert loaded.prices.by_model == {
        "m": Price(prompt=150_000, cached=75_001, completion=600_000),
        "whisper-1": Price(minute=6_000),
    }
    assert (loaded.ai_url, loaded.vision_model) == ("http://localhost:9000/v1", "m")


def test_production_refuses_to_start_without_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTROS_ENV", "production")
    monkeypatch.setenv("VENTROS_SECRET_KEY", "short")

    with pytest.raises(SettingsError) as caught:
        settings.load_for_serving()

    for name in ("DATABASE_URL", "REDIS_URL", "VENTROS_SECRET_KEY", "VENTROS_PUBLIC_URL"):
        assert name in str(caught.value)
    assert "short" not in str(caught.value)
