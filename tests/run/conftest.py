import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stands in for .venv/bin/python: answers the script's questions, shows what it was finally run with.
PYTHON = """#!/bin/sh
case "$*" in
  *"import ventros"*|*"sys.exit(sys.version_info"*) exit 0 ;;
  "-m pip install"*) echo "pip install $*" >>"$CALLS"; exit 0 ;;
  "-m pip"*) exit 0 ;;
esac
printf '%s\\n' "directory $PWD"
for argument in "$@"; do printf '%s\\n' "argument $argument"; done
"""

# Stands in for uv: makes the interpreter above, notes its calls, and fails when told to.
UV = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo "uv $*" >>"$CALLS"
for target in "$@"; do :; done
case "$1 $2" in
  venv*) mkdir -p "$target/bin" && cp "$STAND_IN" "$target/bin/python" ;;
  *) sleep "${SLOW:-0}"; [ -z "${BROKEN:-}" ] ;;
esac
"""


@dataclass(frozen=True)
class Project:
    """A checkout with the real `run`, in which uv and the environment's Python are stand-ins."""

    root: Path
    bin: Path

    def run(
        self, *arguments: str, directory: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        process = self.begin(*arguments, directory=directory, **variables)
        out, errors = process.communicate(timeout=30)
        return subprocess.CompletedProcess(process.args, process.returncode, out, errors)

    def begin(
        self, *arguments: str, directory: Path | None = None, **variables: str
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["/bin/sh", self.root / "run", *arguments],
            cwd=directory or self.root,
            env={
                "PATH": f"{self.bin}:/usr/bin:/bin",
                "CALLS": str(self.calls_file),
                "STAND_IN": str(self.bin / "stand-in"),
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def calls_file(self) -> Path:
        return self.bin / "calls"

    def calls(self) -> Sequence[str]:
        """What was called since the last time this was asked, by the first two words."""
        if not self.calls_file.exists():
            return []
        lines = self.calls_file.read_text().splitlines()
        self.calls_file.unlink()
        return [" ".join(line.split()[:2]) for line in lines]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root, binaries = tmp_path / "my work" / "ventros crm", tmp_path / "stand ins"
    root.mkdir(parents=True)
    binaries.mkdir()
    shutil.copy(ROOT / "run", root / "run")
    (root / "requirements.lock").write_text(
        "uv==1 \\\n    --hash=sha256:00\nother==1 \\\n    --hash=sha256:00\n"
    )
    (root / "pyproject.toml").write_text("")
    scripts = {"stand-in": PYTHON, "uv": UV, "python3": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'}
    for name, text in scripts.items():
        (binaries / name).write_text(text)
        (binaries / name).chmod(0o755)
    return Project(root, binaries)
