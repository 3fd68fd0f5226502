"""The table of permissions, from the services that require them and the fields that lead there."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from domain.identity.permission import Permission
from schema.events import Subscription
from schema.root import Mutation, Query

_OPENING = """\
# Permissions

An API key holds permissions, called scopes, and belongs to one project. `apiKeyCreate` and
`ventros api-key create --scope …` set them. Whoever lacks one is answered `FORBIDDEN`, and nothing is changed.

Each root field needs what stands beside it. Fields of objects that lead to other aggregates, such as
`Chat.messages`, need the other aggregate's reading permission as well.

This page is generated: `.venv/bin/python -m ventros.reference --write`.
"""

_PACKAGES = ("resolvers.", "services.")


def page() -> str:
    """Return the whole page."""
    found: dict[Permission, dict[str, list[str]]] = {one: {} for one in Permission}
    open_to_all: list[str] = []
    for kind, root in (("query", Query), ("mutation", Mutation), ("subscription", Subscription)):
        for name, resolver in _fields(root):
            permissions = required(resolver)
            for permission in permissions:
                found[permission].setdefault(kind, []).append(f"`{name}`")
            if not permissions:
                open_to_all.append(f"`{name}`")
    rows = "".join(
        f"| `{permission.value}` | "
        + " | ".join(", ".join(kinds.get(kind, ())) for kind in ("query", "mutation", "subscription"))
        + " |\n"
        for permission, kinds in found.items()
    )
    return (
        f"{_OPENING}\n| permission | queries | mutations | subscriptions |\n|---|---|---|---|\n{rows}\n"
        f"Any valid key may ask {', '.join(open_to_all)}. What `node` and `nodes` look up needs the\n"
        "permission that the kind's own query needs.\n"
    )


def required(function: Callable[..., object]) -> list[Permission]:
    """Return what a function of ours requires, itself or through what it calls, in the published order."""
    names = set(_required(function, set()))
    return [permission for permission in Permission if permission.name in names]


def _required(function: Callable[..., object], seen: set[object]) -> Iterator[str]:
    if function in seen or not isinstance(function, FunctionType):
        return
    seen.add(function)
    # Lists and mutations run a closure around their resolver.
    for enclosed in inspect.getclosurevars(function).nonlocals.values():
        if isinstance(enclosed, FunctionType):
            yield from _required(enclosed, seen)
    if function.__name__ == "<lambda>":
        return
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "require"
        ):
            yield from (argument.attr for argument in node.args if isinstance(argument, ast.Attribute))
        elif isinstance(node, ast.Name | ast.Attribute):
            target = _resolve(node, function)
            if (getattr(target, "__module__", None) or "").startswith(_PACKAGES) and isinstance(
                target, FunctionType
            ):
                yield from _required(target, seen)


def _resolve(node: ast.expr, function: FunctionType) -> object:
    if isinstance(node, ast.Name):
        return function.__globals__.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_resolve(node.value, function), node.attr, None)
    return None


# Any: what strawberry keeps of a class.
def _fields(root: Any) -> Iterator[tuple[str, Callable[..., object]]]:
    for field in root.__strawberry_definition__.fields:
        yield to_camel_case(field.python_name), field.resolve


PAGES: dict[str, Callable[[], str]] = {"docs/permissions.md": page}
