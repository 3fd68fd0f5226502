"""Compares the generated pages in docs/ with the code, or writes them with `--write`."""

import re
import sys

from ventros.reference import events, permissions
from ventros.reference.tables import ROOT, SECTIONS

_OPERATIONS = "docs/operations.md"


def pages() -> dict[str, str]:
    """Return what every generated page has to hold, by its path from the root of the repository."""
    operations = (ROOT / _OPERATIONS).read_text()
    for name, section in SECTIONS.items():
        operations, found = re.subn(
            rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)",
            lambda _, section=section: f"\n{section()}\n",  # type: ignore[misc]
            operations,
            flags=re.DOTALL,
        )
        if found != 1:
            raise ValueError(f"{_OPERATIONS} needs the marks of the section {name} once; it has {found}.")
    whole = {path: make() for path, make in (events.PAGES | permissions.PAGES).items()}
    return whole | {_OPERATIONS: operations}


def main(arguments: list[str]) -> int:
    """Return 0 if every page is current or was written, else 1."""
    stale = {
        path: text
        for path, text in pages().items()
        if not (ROOT / path).exists() or (ROOT / path).read_text() != text
    }
    for path, text in stale.items():
        if "--write" in arguments:
            (ROOT / path).write_text(text)
        print(f"{'wrote' if '--write' in arguments else 'out of date'}: {path}")  # noqa: T201
    if stale and "--write" not in arguments:
        print("Write them: .venv/bin/python -m ventros.reference --write")  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
