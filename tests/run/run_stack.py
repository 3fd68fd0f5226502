"""Runs the databases and one web server as `./run` does: the subject of the tests that end it."""

import json
import os
import signal
import sys
from pathlib import Path

from ventros.development.directory import DataDirectory
from ventros.development.ports import answers, find_free
from ventros.development.program import Program
from ventros.development.screen import Screen
from ventros.development.stack import Stack
from ventros.development.supervision import run_until_stopped


def start(stack: Stack, arguments: list[str]) -> None:
    stack.open()
    stack.start_servers(database_url=os.environ.get("DATABASE_URL", ""), redis_url="")
    port = find_free("127.0.0.1")
    program = Program(
        name="web",
        command=[sys.executable, *(arguments or ["-m", "http.server", "--bind", "127.0.0.1", str(port)])],
        directory=stack.directory.path,
        # Its log is read while it runs.
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        log=stack.directory.log("web"),
    )
    stack.start_programs([program])
    stack.wait_until_ready({"web": lambda: answers("127.0.0.1", port, "/")}, timeout=20)
    pids = {"postgres": stack.postgres.pid, "valkey": stack.valkey.pid, "web": program.pid}
    print(json.dumps({name: pid for name, pid in pids.items() if pid}), flush=True)  # noqa: T201 - read by the test.


if __name__ == "__main__":
    # The tests may run under nohup, which asks whatever they start to outlive the terminal.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    stack = Stack(DataDirectory(Path(sys.argv[1])))
    sys.exit(run_until_stopped(stack, Screen(), start=lambda: start(stack, sys.argv[2:])))
