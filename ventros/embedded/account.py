"""The account a server runs under when Ventros itself was started by root."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ventros.embedded.errors import EmbeddedServerError

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user and group id that a child process takes on before it runs."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Return the account to drop to, or None when we are not root and have nothing to drop.

    PostgreSQL refuses to run as root. No account is created for it: an existing one is used.
    """
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and this machine has neither an account 'postgres' nor 'nobody'. "
        "Run Ventros as an ordinary user, or set DATABASE_URL to a PostgreSQL of yours."
    )


def owner_of(directory: Path) -> Account | None:
    """Return the account owning a directory, or None when we are not root and could not become it."""
    if os.geteuid() != 0:
        return None
    status = directory.stat()
    return Account(uid=status.st_uid, gid=status.st_gid)


def give(path: Path, account: Account | None) -> None:
    """Make the account own the path."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def can_enter(account: Account | None, directory: Path) -> bool:
    """Tell whether the account may walk the path down to the directory.

    The question is put to the kernel, as that account: permission bits alone know nothing of
    access control lists or mount options.
    """
    if account is None:
        return True
    return run_as(account, ["/bin/sh", "-c", 'cd "$1"', "sh", directory]).returncode == 0


def run_as(
    account: Account | None,
    command: Sequence[str | Path],
    *,
    directory: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end as the account, or as ourselves when it is None."""
    return subprocess.run(  # noqa: S603 - the callers are the modules beside this one.
        command,
        cwd=directory,
        env=environment,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        # A Ctrl-C in the terminal is answered by us alone.
        start_new_session=True,
    )
