import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ventros.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Owner:
    """A process that owns a server, and the server's process id."""

    process: subprocess.Popen[bytes]
    server_pid: int

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def is_alive(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] != "Z"


def wait_for_end(pid: int, *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.01)


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A directory that every account may pass through; pytest's own ones are closed to all but their user."""
    with TemporaryDirectory(prefix="ventros-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a server that was started once; making a cluster takes longer than most tests."""
    directory = tmp_path_factory.mktemp("made") / "postgres"
    with EmbeddedPostgres(directory, durable=False):
        return directory


@pytest.fixture
def ended() -> Callable[[int], None]:
    return wait_for_end


@pytest.fixture
def owner() -> Iterator[Callable[[str, Path], Owner]]:
    owners: list[Owner] = []

    def start(kind: str, directory: Path) -> Owner:
        process = subprocess.Popen(
            [sys.executable, Path(__file__).parent / "hold_server.py", kind, directory],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        with process.stdout:
            answer = process.stdout.readline()
        owners.append(Owner(process, json.loads(answer)["pid"]))
        return owners[-1]

    yield start
    for each in owners:
        each.kill()
        wait_for_end(each.server_pid)
