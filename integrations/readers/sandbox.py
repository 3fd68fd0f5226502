"""Runs one of our functions on a file in a process of its own, which can hurt nobody.

The process has no environment (and so no secrets), no other open files, limited memory and time; it is given the
file already open, and its answer is JSON of limited size.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from integrations.errors import Rejected

ANSWER_LIMIT = 16 * 1024 * 1024
"""The longest answer of a process, in bytes."""

_CHUNK = 64 * 1024
_PASSED_ON = ("LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a process may take: address space in bytes, seconds of the processor, seconds altogether."""

    memory: int = 1024 * 1024 * 1024
    cpu_seconds: int = 30
    wall_seconds: float = 60.0


async def run(
    function: str, path: Path, *, limits: Limits, arguments: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return what `module:function` makes of a file and the arguments.

    Raises `Rejected`: as the function did, or with TOO_SLOW, OUT_OF_MEMORY, TOO_LARGE (of the answer), or
    UNREADABLE when it failed in any other way.
    """
    request = {
        "function": function,
        "arguments": dict(arguments or {}),
        "memory": limits.memory,
        "cpu_seconds": limits.cpu_seconds,
    }
    with await asyncio.to_thread(_open, path) as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-s",
            "-P",
            "-m",
            "integrations.readers.child",
            json.dumps(request),
            stdin=file,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(limits.wall_seconds):
            answer = await _read(process)
            status = await process.wait()
    except TimeoutError:
        raise Rejected(f"Reading the file took over {limits.wall_seconds:g} s.", code="TOO_SLOW") from None
    finally:
        await _end(process)
    return _result(answer, status)


def _open(path: Path) -> "contextlib.AbstractContextManager[int]":
    try:
        return _Descriptor(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as problem:
        raise Rejected(f"The file cannot be opened ({type(problem).__name__}).", code="NO_FILE") from None


class _Descriptor:
    """An open file that is closed at the end of a block."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> int:
        return self._number

    def __exit__(self, *_: object) -> None:
        os.close(self._number)


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        **passed_on,
        "PYTHONPATH": os.pathsep.join(one for one in sys.path if one),
        "PYTHONDONTWRITEBYTECODE": "1",
        # The makers of onnxruntime would be told of every start.
        "ORT_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": "1",
    }


async def _read(process: Process) -> bytes:
    assert process.stdout is not None  # noqa: S101 It was asked for.
    answer = bytearray()
    while chunk := await process.stdout.read(_CHUNK):
        answer += chunk
        if len(answer) > ANSWER_LIMIT:
            raise Rejected(f"The text of the file is over {ANSWER_LIMIT} bytes.", code="TOO_LARGE")
    return bytes(answer)


async def _end(process: Process) -> None:
    """Kill the process with all it started, unless it is over."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _result(answer: bytes, status: int) -> dict[str, object]:
    if status == -signal.SIGXCPU:
        raise Rejected("Reading the file took too much of the processor.", code="TOO_SLOW")
    try:
        result = json.loads(answer) if status == 0 else None
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise Rejected("The file cannot be read: what reads it broke down.", code="UNREADABLE")
    code, reason, value = result.get("code"), result.get("reason"), result.get("value")
    if isinstance(code, str) and isinstance(reason, str):
        raise Rejected(reason, code=code)
    if not isinstance(value, dict):
        raise Rejected("The file cannot be read: what reads it made nothing of it.", code="UNREADABLE")
    return value
