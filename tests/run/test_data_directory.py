import json
import os
from pathlib import Path

import pytest

from ventros.development.directory import DataDirectory, write_private


def test_what_the_command_names_goes_before_the_environment(tmp_path: Path) -> None:
    environment = {"VENTROS_DATA_DIR": str(tmp_path / "named"), "XDG_DATA_HOME": str(tmp_path / "home")}

    assert DataDirectory.choose(tmp_path / "wanted", environment).path == tmp_path / "wanted"
    assert DataDirectory.choose(None, environment).path == tmp_path / "named"


def test_without_a_name_it_is_the_usual_place_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    chosen = [
        DataDirectory.choose(None, environment).path for environment in ({"XDG_DATA_HOME": "/data"}, {})
    ]

    if os.geteuid() == 0:
        assert chosen == [Path("/var/lib/ventros"), Path("/var/lib/ventros")]
    else:
        assert chosen == [Path("/data/ventros"), tmp_path / ".local/share/ventros"]


def test_others_can_neither_list_it_nor_read_its_secrets(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    directory.create()

    directory.secret_key()

    assert directory.path.stat().st_mode & 0o066 == 0
    assert directory.logs.stat().st_mode & 0o066 == 0
    assert (directory.path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_the_secret_key_is_made_once(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)

    first, second = directory.secret_key(), DataDirectory(tmp_path).secret_key()

    assert first == second
    assert len(first) == 64


def test_a_private_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text("public and old")
    path.chmod(0o644)
    (tmp_path / "demo.json.unfinished").write_text("from an interrupted start")

    write_private(path, {"url": "http://127.0.0.1:8000"})

    assert json.loads(path.read_text()) == {"url": "http://127.0.0.1:8000"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
