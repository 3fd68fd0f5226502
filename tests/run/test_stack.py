import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """A running stack and the processes in it, by name."""

    process: "subprocess.Popen[str]"
    pids: dict[str, int]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def left(self) -> list[str]:
        return [name for name, pid in self.pids.items() if is_alive(pid)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory at a place that every account may pass through, as the usual ones are."""
    with TemporaryDirectory(prefix="ventros-test-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "data"


@pytest.fixture
def begin(data: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str, database_url: str = "") -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("run_stack.py"), data, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), "DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def stack(begin: Callable[..., "subprocess.Popen[str]"]) -> Run:
    return ready(begin())


@pytest.fixture
def small_stack(begin: Callable[..., "subprocess.Popen[str]"]) -> Run:
    """A stack that was given a PostgreSQL, as with DATABASE_URL, and runs the rest."""
    return ready(begin(database_url="postgresql://elsewhere/ventros"))


def ready(process: "subprocess.Popen[str]") -> Run:
    assert process.stdout is not None
    return Run(process, json.loads(process.stdout.readline()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_each_request_to_stop_ends_everything(small_stack: Run, number: signal.Signals) -> None:
    assert small_stack.left() == ["valkey", "web"]

    exit_code = small_stack.end(number)

    assert exit_code == 0
    assert small_stack.left() == []


def test_ctrl_c_in_a_terminal_lets_the_databases_end_last(stack: Run, data: Path) -> None:
    assert stack.end(signal.SIGINT) == 0

    assert stack.left() == []
    assert "database system is shut down" in (data / "logs/postgres.log").read_text()


def test_everything_ends_with_a_killed_owner(stack: Run) -> None:
    stack.end(signal.SIGKILL)

    wait_until(lambda: stack.left() == [])


def test_a_fallen_program_is_reported_and_started_again(small_stack: Run, data: Path) -> None:
    log = data / "logs" / "web.log"
    wait_until(lambda: "GET / " in log.read_text())
    os.kill(small_stack.pids["web"], signal.SIGKILL)

    assert small_stack.process.stderr is not None
    report = small_stack.process.stderr.readline()

    assert report.startswith("The web was ended by SIGKILL; it is started again in 0.5 s. Its log (")
    wait_until(lambda: log.read_text().count("Serving HTTP") == 2)
    assert small_stack.left() == ["valkey"]


def test_a_fallen_database_ends_everything(stack: Run) -> None:
    os.kill(stack.pids["postgres"], signal.SIGKILL)

    _, errors = stack.process.communicate(timeout=30)

    assert stack.process.returncode == 1
    assert errors.startswith("PostgreSQL was ended by SIGKILL; without it nothing works. Its log (")
    assert "database system is ready to accept connections" in errors
    assert stack.left() == []


def test_a_program_that_never_starts_ends_everything_and_says_why(
    begin: Callable[..., "subprocess.Popen[str]"],
) -> None:
    process = begin("-c", "raise SystemExit('no such table')", database_url="postgresql://elsewhere/ventros")

    out, errors = process.communicate(timeout=30)

    assert process.returncode == 1
    assert out == ""
    assert errors.startswith("The web stopped with exit code 1 before it was ready. Its log (")
    assert errors.endswith("no such table\n")


def test_the_directory_of_a_running_stack_is_refused_and_left_alone(
    small_stack: Run, begin: Callable[..., "subprocess.Popen[str]"], data: Path
) -> None:
    (data / "demo.json").write_text("{}")

    second = begin(database_url="postgresql://elsewhere/ventros")
    _, errors = second.communicate(timeout=30)

    assert second.returncode == 1
    assert errors == (
        f"Another Ventros is already running with this data directory ({data}, process "
        f"{small_stack.process.pid}). Stop it or choose another with --data DIR.\n"
    )
    assert (data / "demo.json").exists()
    assert small_stack.left() == ["valkey", "web"]
