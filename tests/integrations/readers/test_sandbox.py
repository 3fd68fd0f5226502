"""Processes that read files, and what happens to those that take too much."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.errors import Rejected
from integrations.readers import sandbox
from integrations.readers.sandbox import Limits

FUNCTIONS = """
import os, signal, sys, time
from integrations.errors import Rejected

def upper(file, *, more):
    return {"text": file.read().decode().upper() + more}

def surroundings(file):
    return {
        "environment": sorted(os.environ),
        "files": sorted(int(one) for one in os.listdir("/proc/self/fd")),
        "is_leader": os.getpid() == os.getsid(0),
    }

def chatter(file):
    print("hello")
    os.write(1, b"hello")
    print("hello", file=sys.stderr)
    return {"ok": True}

def spin(file):
    while True:
        pass

def sleep(file):
    time.sleep(600)

def eat(file):
    kept = []
    while True:
        kept.append(bytearray(16 << 20))

def write(file, *, to):
    with open(to, "wb") as other:
        other.write(b"x" * 100)

def talk(file):
    return {"text": "x" * (17 << 20)}

def crash(file):
    os.kill(os.getpid(), signal.SIGSEGV)

def leave(file):
    os._exit(0)

def fail(file):
    raise KeyError("what a customer wrote")

def refuse(file):
    raise Rejected("No.", code="NO")

def mumble(file):
    return ["not", "an", "object"]

def linger(file, *, to):
    if os.fork() == 0:
        time.sleep(600)
    with open(to, "w"):
        pass
    time.sleep(600)
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "hostile_functions.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "file"
    path.write_text("oi")
    return path


async def run(name: str, path: Path, **more: object) -> dict[str, object]:
    limits = Limits(memory=256 << 20, cpu_seconds=20, wall_seconds=30.0)
    return await sandbox.run(f"hostile_functions:{name}", path, limits=limits, arguments=more)


async def refusal(name: str, path: Path, **more: object) -> tuple[str, str]:
    with pytest.raises(Rejected) as caught:
        await run(name, path, **more)
    return caught.value.code, caught.value.reason


async def test_a_function_is_given_the_file_and_its_answer_returned(file: Path) -> None:
    assert await run("upper", file, more="!") == {"text": "OI!"}


async def test_a_process_has_no_secrets_and_no_other_files(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENTROS_SECRET_KEY", "secret")

    found = await run("surroundings", file)

    names = found["environment"]
    assert isinstance(names, list)
    assert set(names) <= {
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "ORT_DISABLE_TELEMETRY",
        "OMP_NUM_THREADS",
    }
    # The file, the other two standard streams, the answer, and the list that is being read.
    assert found["files"] == [0, 1, 2, 3, 4]
    assert found["is_leader"] is True


async def test_what_libraries_print_does_not_mix_with_the_answer(file: Path) -> None:
    assert await run("chatter", file) == {"ok": True}


async def test_an_endless_loop_is_ended_by_its_share_of_the_processor(file: Path) -> None:
    limits = Limits(cpu_seconds=1, wall_seconds=60.0)

    with pytest.raises(Rejected) as caught:
        await sandbox.run("hostile_functions:spin", file, limits=limits)

    assert caught.value.code == "TOO_SLOW"


async def test_a_process_that_sleeps_is_ended_by_the_clock(file: Path) -> None:
    limits = Limits(wall_seconds=0.2)

    with pytest.raises(Rejected) as caught:
        await sandbox.run("hostile_functions:sleep", file, limits=limits)

    assert caught.value.code == "TOO_SLOW"


async def test_eaten_memory_is_refused(file: Path) -> None:
    assert (await refusal("eat", file))[0] == "OUT_OF_MEMORY"


async def test_a_process_writes_no_files(file: Path, tmp_path: Path) -> None:
    await refusal("write", file, to=str(tmp_path / "written"))

    assert (tmp_path / "written").read_bytes() == b""


async def test_an_endless_answer_is_not_taken_in(file: Path) -> None:
    assert (await refusal("talk", file))[0] == "TOO_LARGE"


@pytest.mark.parametrize("name", ["crash", "leave", "mumble", "nothing_of_this_name"])
async def test_a_process_that_breaks_down_hurts_nobody(file: Path, name: str) -> None:
    assert (await refusal(name, file))[0] == "UNREADABLE"


async def test_what_a_parser_raises_is_told_by_its_kind_only(file: Path) -> None:
    assert await refusal("fail", file) == ("UNREADABLE", "The file cannot be read (KeyError).")


async def test_a_refusal_is_passed_on(file: Path) -> None:
    assert await refusal("refuse", file) == ("NO", "No.")


async def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    assert (await refusal("upper", tmp_path / "gone"))[0] == "NO_FILE"


async def test_who_gives_up_waiting_leaves_no_process(file: Path, tmp_path: Path) -> None:
    reading = asyncio.create_task(run("linger", file, to=str(tmp_path / "started")))
    async with asyncio.timeout(30):
        while not (tmp_path / "started").exists():  # noqa: ASYNC110 Another process makes it.
            await asyncio.sleep(0.01)
    before = _readers()

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    async with asyncio.timeout(30):
        while _readers() & before:  # noqa: ASYNC110 Nobody tells of the end of a grandchild.
            await asyncio.sleep(0.01)
    assert len(before) == 2


def _readers() -> set[int]:
    """Return the processes that run the function; those that are over have no command any more."""
    found = set()
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"hostile_functions:linger" in one.read_bytes():
                found.add(int(one.parent.name))
    return found
