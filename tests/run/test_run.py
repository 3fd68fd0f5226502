import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WHOLE_SETUP = ["uv venv", "uv pip", "uv pip"]
UPDATE = ["uv pip", "uv pip"]


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_the_script_is_portable_shell(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")

    result = subprocess.run([shell, "-n", ROOT / "run"], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stderr) == (0, "")


def test_help_needs_no_environment(project: Any) -> None:
    for word in ("-h", "--help", "help"):
        result = project.run(word)
        assert result.returncode == 0
        assert result.stdout.startswith("Usage: ./run [dev]")

    assert not (project.root / ".venv").exists()
    assert project.calls() == []


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], ["-P", "-m", "ventros", "dev"]),
        (["dev", "--no-demo"], ["-P", "-m", "ventros", "dev", "--no-demo"]),
        (["--port", "9000"], ["-P", "-m", "ventros", "dev", "--port", "9000"]),
        (["--data", "a b"], ["-P", "-m", "ventros", "dev", "--data", "a b"]),
        (["doctor"], ["-P", "-m", "ventros", "doctor"]),
        (
            ["api-key", "create", "--name", "x y"],
            ["-P", "-m", "ventros", "api-key", "create", "--name", "x y"],
        ),
        (["test"], ["-m", "pytest"]),
        (["test", "-k", "a or b"], ["-m", "pytest", "-k", "a or b"]),
        (["check"], ["-m", "ventros.check"]),
        (["bench", "intake"], ["-m", "bench.run", "intake"]),
    ],
)
def test_words_lead_to_commands(project: Any, arguments: list[str], command: list[str]) -> None:
    result = project.run(*arguments)

    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines == [f"directory {project.root}", *(f"argument {word}" for word in command)]


def test_commands_run_where_the_caller_is_and_tests_in_the_project(project: Any, tmp_path: Path) -> None:
    command = project.run("dev", "--data", "here", directory=tmp_path)
    tests = project.run("test", directory=tmp_path)

    assert command.stdout.splitlines()[0] == f"directory {tmp_path}"
    assert tests.stdout.splitlines()[0] == f"directory {project.root}"


def test_the_second_start_installs_nothing_and_says_nothing(project: Any) -> None:
    first = project.run("doctor")
    assert first.stderr == "Setting up the Python environment (first time, about 20 s)...\n"
    assert project.calls() == WHOLE_SETUP

    second = project.run("doctor")

    assert second.stderr == ""
    assert second.stdout == first.stdout
    assert project.calls() == []


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_updates_the_environment_once(project: Any, name: str) -> None:
    project.run("doctor")
    project.calls()
    with (project.root / name).open("a") as file:
        file.write("# changed\n")

    result = project.run("doctor")

    assert result.stderr.startswith("Updating the Python environment")
    assert project.calls() == UPDATE
    project.run("doctor")
    assert project.calls() == []


def test_a_moved_checkout_gets_a_new_environment(project: Any) -> None:
    project.run("doctor")
    project.calls()
    moved = type(project)(project.root.with_name("moved"), project.bin)
    project.root.rename(moved.root)

    result = moved.run("doctor")

    assert "moved or copied" in result.stderr
    assert result.stdout.splitlines()[0] == f"directory {moved.root}"
    assert moved.calls() == WHOLE_SETUP


def test_an_interrupted_installation_is_begun_again_from_nothing(project: Any) -> None:
    process = project.begin("doctor", SLOW="60")
    while "uv pip" not in project.calls():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (project.root / ".venv" / "half").touch()

    result = project.run("doctor")

    assert "the last attempt was interrupted" in result.stderr
    assert not (project.root / ".venv" / "half").exists()
    assert project.calls()[-3:] == WHOLE_SETUP
    assert project.run("doctor").stderr == ""


def test_where_uv_fails_pip_installs(project: Any) -> None:
    result = project.run("doctor", BROKEN="yes")

    assert result.returncode == 0
    assert "trying pip" in result.stderr
    assert project.calls() == ["uv venv", "uv pip", "pip install", "pip install"]


def test_two_starts_at_once_install_once(project: Any) -> None:
    first = project.begin("doctor", SLOW="0.2")
    while not project.calls_file.exists():
        assert first.poll() is None
    second = project.begin("doctor")

    out, errors = second.communicate(timeout=30)
    first.communicate(timeout=30)

    assert (first.returncode, second.returncode) == (0, 0)
    assert errors == "Waiting for another ./run that is setting up the Python environment...\n"
    assert out.splitlines()[-1] == "argument doctor"
    assert project.calls() == WHOLE_SETUP


@pytest.mark.parametrize("python", ["/bin/false", "no-such-python"])
def test_a_wrong_python_is_named(project: Any, python: str) -> None:
    result = project.run("doctor", PYTHON=python)

    assert result.returncode == 1
    assert result.stderr == f"PYTHON is '{python}', but that does not run as Python 3.11 or newer.\n"
    assert project.calls() == []


def test_an_environment_of_somebody_elses_making_is_completed_not_replaced(project: Any) -> None:
    binary = project.root / ".venv" / "bin"
    binary.mkdir(parents=True)
    shutil.copy(project.bin / "stand-in", binary / "python")
    (binary / "debugger").touch()

    result = project.run("doctor")

    assert result.returncode == 0
    assert project.calls() == UPDATE
    assert (binary / "debugger").exists()


def test_packages_from_elsewhere_are_kept_out(project: Any) -> None:
    stand_in = (project.bin / "stand-in").read_text()
    (project.bin / "stand-in").write_text(stand_in + 'echo "path ${PYTHONPATH:-none}"\n')

    result = project.run("doctor", PYTHONPATH="/opt/other")

    assert result.stdout.splitlines()[-1] == "path none"


def test_the_lock_pins_the_uv_that_a_bare_machine_fetches(tmp_path: Path) -> None:
    lines = subprocess.run(
        ["sed", "-n", r"/^uv==/,/[^\\]$/p", ROOT / "requirements.lock"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert lines[0].startswith("uv==")
    assert len(lines) > 10
    assert all(line.strip().startswith("--hash=sha256:") for line in lines[1:])
