import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ventros.development.program import Fall, Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    code = "import os, sys; print('life', os.getpid(), flush=True); sys.exit(3)"
    program = Program(
        name="worker",
        command=[sys.executable, "-c", code],
        directory=tmp_path,
        environment=os.environ,
        log=tmp_path / "worker.log",
    )
    yield program
    program.stop()


def next_fall(program: Program) -> Fall:
    deadline = time.monotonic() + 20
    while (fall := program.check()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return fall


def test_each_fall_is_reported_once_and_followed_by_a_longer_pause(program: Program) -> None:
    program.start()

    first = next_fall(program)
    assert program.pid is None
    second = next_fall(program)

    assert first == Fall(program="worker", exit_code=3, log=program.log, pause=0.5)
    assert second == Fall(program="worker", exit_code=3, log=program.log, pause=1.0)
    assert program.log.read_text().count("life") == 2


def test_a_stopped_program_stays_stopped(program: Program) -> None:
    program.start()
    next_fall(program)

    program.stop()

    assert program.check() is None
    assert program.pid is None


def test_a_start_puts_the_old_log_aside(program: Program) -> None:
    program.log.write_text("yesterday\n")

    program.start()
    next_fall(program)

    assert program.log.with_name("worker.log.1").read_text() == "yesterday\n"
    assert "yesterday" not in program.log.read_text()
