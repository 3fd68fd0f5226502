"""A place for a Unix socket that every client can name and nobody else can enter."""

import hashlib
import os
import re
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ventros.embedded.account import Account, can_enter, give
from ventros.embedded.errors import EmbeddedServerError

# The kernel takes 107 bytes for the whole path; the longest file name we add has 14.
_LONGEST = 90
# Connection URLs quote and split these paths in different ways, depending on the client.
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, kw_only=True)
class SocketDirectory:
    """A directory for sockets, and whether it was made for them alone."""

    path: Path
    temporary: bool

    def remove(self) -> None:
        """Remove the directory if it holds nothing but sockets."""
        if self.temporary:
            shutil.rmtree(self.path, ignore_errors=True)


def open_socket_directory(home: Path, account: Account | None) -> SocketDirectory:
    """Return `home` where a socket can live there, else a private directory with a short name.

    The short name is derived from `home`, so that a restart finds the same place and leaves none behind.
    """
    if len(os.fsencode(home)) <= _LONGEST and _PLAIN.fullmatch(str(home)) and can_enter(account, home):
        return SocketDirectory(path=home, temporary=False)
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    path = Path("/tmp") / f"ventros-{digest}"  # noqa: S108 - its ownership is checked below.
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    status = path.lstat()
    allowed = {os.geteuid(), account.uid if account else os.geteuid()}
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in allowed:
        raise EmbeddedServerError(
            f"{path} is needed for a database socket but belongs to user {status.st_uid}. Remove it, or "
            "choose a data directory with a short plain path with --data DIR."
        )
    path.chmod(0o700)
    give(path, account)
    return SocketDirectory(path=path, temporary=True)
