"""Every service asks for a permission before it does anything, and every root field goes through one."""

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resolvers import nodes

ROOT = Path(__file__).parents[2]
OWN = {"own_tenant", "own_project", "find_tenants", "find_projects"}
"""What every viewer may see: the organisation and workspace they belong to."""


def services() -> Iterator[tuple[str, ast.AsyncFunctionDef]]:
    """Every public function of the services that acts for a viewer."""
    for path in sorted((ROOT / "services").glob("*/*.py")):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            if "viewer" in {argument.arg for argument in node.args.args}:
                yield f"{path.stem}.{node.name}", node


@pytest.mark.parametrize(
    ("name", "function"), list(services()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_service_begins_with_the_permission_it_needs(name: str, function: ast.AsyncFunctionDef) -> None:
    if name.partition(".")[2] in OWN:
        return
    docstring, first, *_ = function.body

    assert isinstance(docstring, ast.Expr)
    assert ast.unparse(first).startswith("viewer.require(Permission.")


def test_there_are_services_to_guard() -> None:
    assert len(list(services())) > 30


def test_resolvers_reach_data_through_guarded_services_or_the_loaders_of_edges() -> None:
    """A resolver of a root field has no other way to data than `context.read` and `context.write` of a service."""
    forbidden = {"reading", "writing", "fetch", "engine", "system"}
    reached = [
        f"{path.relative_to(ROOT)}: {ast.unparse(node)}"
        for path in sorted((ROOT / "resolvers").rglob("*.py"))
        if path.name not in {"context.py", "loaders.py"}
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in forbidden
    ]

    assert reached == []


@pytest.mark.parametrize("prefix", nodes.FINDERS)
def test_node_finds_through_guarded_services(prefix: str) -> None:
    finder: Callable[..., object] = nodes.FINDERS[prefix]

    assert "viewer.require(" in inspect.getsource(finder) or finder.__name__ in OWN
