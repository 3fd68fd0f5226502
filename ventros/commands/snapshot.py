"""Compares the GraphQL schema with its committed snapshot, or writes it with `--write`."""

import difflib
import sys
from pathlib import Path

from graphql import build_schema
from graphql.utilities import find_breaking_changes

import schema
from schema.root import schema as published

SNAPSHOT = Path(schema.__path__[0]) / "schema.graphql"


def main(arguments: list[str]) -> int:
    """Return 0 if the snapshot is current; else say what changed, and what of it breaks clients."""
    now = published.as_str().rstrip() + "\n"
    if "--write" in arguments:
        SNAPSHOT.write_text(now)
        return 0
    before = SNAPSHOT.read_text()
    if before == now:
        return 0
    print("".join(difflib.unified_diff(before.splitlines(True), now.splitlines(True), "snapshot", "code")))
    for change in find_breaking_changes(build_schema(before), build_schema(now)):
        print(f"BREAKING: {change.description}")
    print("If this is meant, write it: .venv/bin/python -m ventros.commands.snapshot --write")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
