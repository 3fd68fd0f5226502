"""Child processes that do not outlive us, and what is left of those that did."""

import ctypes
import os
import signal
import subprocess
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ventros.embedded.account import Account

# Signals to try in turn, each with the seconds to wait for it to work.
Escalation = Sequence[tuple[signal.Signals, float]]

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    directory: Path,
    environment: Mapping[str, str],
    death_signal: signal.Signals,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own; the kernel sends it `death_signal` when we die, even of SIGKILL.

    Standard output and error are appended to `log`. The session keeps a Ctrl-C in the terminal away from
    the child, so that we can stop our children in order.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start child processes from the main thread: the kernel ends them with the thread")
    parent = os.getpid()

    def bind_to_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        # The parent may have died before the line above; then no signal will ever come.
        if os.getppid() != parent:
            os._exit(1)

    with log.open("ab") as output, warnings.catch_warnings():
        # Python warns of a fork beside other threads. Between fork and exec this child calls prctl and
        # getppid only, neither of which waits for a lock that another thread could be holding.
        warnings.simplefilter("ignore", DeprecationWarning)
        return subprocess.Popen(  # noqa: S603 - the callers are our own modules.
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A death signal is forgotten when the user id changes, so it is set here, after the change.
            preexec_fn=bind_to_parent,  # noqa: PLW1509
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def stop(process: subprocess.Popen[bytes], escalation: Escalation) -> None:
    """Ask the process to end, each time with more insistence, and reap it. SIGKILL comes last."""
    for number, patience in (*escalation, (signal.SIGKILL, 10.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def end_orphans(directory: Path, *, programs: Iterable[str], escalation: Escalation) -> None:
    """End the processes that an owner now dead left running in the directory.

    Call it while holding the directory's lock: whoever still lives there then has no owner.
    """
    names = frozenset(programs)
    for number, patience in (*escalation, (signal.SIGKILL, 2.0)):
        for pid in _living_in(directory, names):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience
        while _living_in(directory, names):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return


def tail(log: Path, *, lines: int) -> str:
    """Return the last lines of a log, or an empty string when there is none."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""


def rotate(log: Path) -> None:
    """Put the log of the previous run aside as `NAME.1`, so that this run begins with an empty one."""
    with suppress(FileNotFoundError):
        log.replace(log.with_name(log.name + ".1"))


def _living_in(directory: Path, programs: frozenset[str]) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _lives_in(entry, directory, programs)
    ]


def _lives_in(entry: Path, directory: Path, programs: frozenset[str]) -> bool:
    # A zombie still has an entry, but neither files nor a future.
    try:
        name, _, fields = (entry / "stat").read_text(errors="replace").partition("(")[2].rpartition(")")
        if name not in programs or fields.split()[0] == "Z":
            return False
        return (entry / "cwd").readlink() == directory
    except PermissionError:
        # In a container, even root may be kept from looking at the directories of other accounts.
        with suppress(OSError):
            return os.fsencode(directory) in (entry / "cmdline").read_bytes().split(b"\0")
        return False
    except OSError:
        return False
