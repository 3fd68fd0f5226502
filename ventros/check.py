"""`./run check`: everything that must hold before a change lands, in the order of how soon it tells."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("layers", ("lint-imports",)),
    ("types", ("mypy",)),
    ("schema", ("ventros.commands.snapshot",)),
    ("tests", ("pytest",)),
)
"""What each step is called, and the module or program that does it."""

_MODULES = {"pytest", "mypy", "ventros.commands.snapshot"}


def main(arguments: list[str]) -> int:
    """Run every step, or those named, and return 1 at the first that fails; the tests always come last."""
    chosen = [step for step in STEPS if not arguments or step[0] in arguments]
    if unknown := set(arguments) - {name for name, _ in STEPS}:
        print(
            f"There is no step {', '.join(sorted(unknown))}; there are {', '.join(name for name, _ in STEPS)}."
        )
        return 2
    for name, command in chosen:
        began = time.monotonic()
        print(f"== {name}", flush=True)
        code = subprocess.run(_program(command), cwd=ROOT, check=False).returncode  # noqa: S603 Ours.
        if code != 0:
            print(f"== {name} failed; run it alone with: ./run check {name}", flush=True)
            return 1
        print(f"== {name} ok ({time.monotonic() - began:.0f} s)", flush=True)
    return 0


def _program(command: tuple[str, ...]) -> list[str]:
    name, *arguments = command
    if name in _MODULES:
        return [sys.executable, "-m", name, *arguments]
    return [str(Path(sys.executable).parent / name), *arguments]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
