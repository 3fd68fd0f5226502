"""The tables of settings and metrics inside the page on operations."""

import ast
import json
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from ventros.settings import Settings

ROOT = Path(__file__).parent.parent.parent
_PACKAGES = ("integrations", "jobs", "persistence", "resolvers", "schema", "services", "ventros")
_KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}


def variables() -> list[str]:
    """Return the names of all environment variables, in the order of the settings."""
    return [variable(name, field) for name, field in Settings.model_fields.items()]


def variable(name: str, field: FieldInfo) -> str:
    """Return the environment variable of a setting."""
    alias = field.validation_alias
    return alias if isinstance(alias, str) else f"{Settings.model_config['env_prefix']}{name}".upper()


def settings_table() -> str:
    """Return every setting with its default and meaning."""
    rows = "".join(
        f"| `{variable(name, field)}` | {_default(field)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return f"| variable | default | meaning |\n|---|---|---|\n{rows}"


def metrics_table() -> str:
    """Return every metric of our own with its labels and meaning."""
    rows = "".join(
        f"| `{name}` | {process} | {kind} | {', '.join(f'`{one}`' for one in labels)} | {meaning} |\n"
        for process, name, kind, labels, meaning in sorted(_metrics())
    )
    return f"| metric | of | kind | labels | meaning |\n|---|---|---|---|---|\n{rows}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Enum):
        value = value.value
    if value is None or value in ("", ()):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _metrics() -> Iterator[tuple[str, str, str, tuple[str, ...], str]]:
    """Find the metrics in the source, so that the table needs no running server."""
    for package in _PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS:
                    name, meaning, *rest = (ast.literal_eval(one) for one in node.args)
                    named = {one.arg: one.value for one in node.keywords}
                    labels = rest[0] if rest else ast.literal_eval(named.get("labelnames", ast.List([])))
                    suffix = "_total" if node.func.id == "Counter" else ""
                    process = "the worker" if package == "jobs" else "the API"
                    yield process, f"{name}{suffix}", _KINDS[node.func.id], tuple(labels), meaning


SECTIONS: dict[str, Callable[[], str]] = {"settings": settings_table, "metrics": metrics_table}
"""What is filled in between `<!-- name -->` and `<!-- end of name -->`."""
