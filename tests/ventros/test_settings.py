"""Settings: what may be set, and what is said when it is wrong."""

import pytest

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
    ],
)
def test_a_wrong_setting_is_named_with_what_is_right(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as caught:
        settings.load()

    assert told in str(caught.value)


def test_production_refuses_to_start_without_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENTROS_ENV", "production")
    monkeypatch.setenv("VENTROS_SECRET_KEY", "short")

    with pytest.raises(SettingsError) as caught:
        settings.load_for_serving()

    for name in ("DATABASE_URL", "REDIS_URL", "VENTROS_SECRET_KEY", "VENTROS_PUBLIC_URL"):
        assert name in str(caught.value)
    assert "short" not in str(caught.value)
