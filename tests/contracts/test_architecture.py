"""The house rules that a program can check."""

from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from domain.base import REGISTRY

ROOT = Path(__file__).parents[2]
ROOMS = (
    "domain",
    "persistence",
    "services",
    "integrations",
    "resolvers",
    "schema",
    "jobs",
    "migrations",
    "ventros",
    "wasim",
    "aisim",
)
LONGEST_MODULE = 400


def modules() -> list[Path]:
    return [
        path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "versions" not in path.parts
    ]


def test_no_module_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in [*modules(), *(ROOT / "tests").rglob("*.py")]
    }

    too_long = {name: length for name, length in lengths.items() if length > LONGEST_MODULE}
    assert {name for name in too_long if not name.startswith("tests/")} == set()


def test_package_files_are_empty() -> None:
    assert [path for path in modules() if path.name == "__init__.py" and path.read_text()] == []


def test_tests_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.name != "__init__.py" and not path.read_text().startswith('"""')
    ]
    assert silent == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_dependency_brings_a_package_of_our_names(room: str) -> None:
    assert set(packages_distributions().get(room, [])) <= {"ventros"}


def test_events_are_named_aggregate_dot_fact() -> None:
    assert [name for name in REGISTRY if name != name.lower() or "." not in name] == []


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "requirements.lock").read_text()

    assert "://" not in lock
    assert "--index" not in lock
