"""The directory that holds everything `./run` keeps between starts."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from ventros.embedded.server import make_private


class DataDirectory:
    """Names of what is in the data directory. Secrets in it are readable by their owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.postgres = path / "postgres"
        self.valkey = path / "valkey"
        self.demo_file = path / "demo.json"
        self.simulator_file = path / "simulator.json"

    @classmethod
    def choose(cls, wanted: Path | None, environment: Mapping[str, str]) -> "DataDirectory":
        """Take the wanted directory, else VENTROS_DATA_DIR, else the usual place for the user."""
        if wanted is not None:
            return cls(wanted.expanduser().resolve())
        if named := environment.get("VENTROS_DATA_DIR"):
            return cls(Path(named).expanduser().resolve())
        if os.geteuid() == 0:
            return cls(Path("/var/lib/ventros"))
        base = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return cls(Path(base) / "ventros")

    def create(self) -> None:
        """Make what is missing."""
        make_private(self.path)
        make_private(self.logs)

    def log(self, name: str) -> Path:
        """Return the log file of a server or program."""
        return self.logs / f"{name}.log"

    def secret_key(self) -> str:
        """Return the key that encrypts stored credentials, made at the first start."""
        path = self.path / "secret.key"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text().strip()


def write_private(path: Path, content: str | Mapping[str, object]) -> None:
    """Write text, or a mapping as JSON, so that readers see all of it or nothing and others cannot read it."""
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
