"""Files in a directory: kept whole, once, and each tenant's apart."""

import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from uuid import UUID

import pytest

from domain.ids import TenantId, new_id
from integrations.storage import BEGINNING, LocalStorage

TENANT = TenantId(UUID("01890000-0000-7000-8000-000000000001"))


async def chunks_of(parts: Iterable[bytes], *, then: Exception | None = None) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if then is not None:
        raise then


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "media")


def every_file(storage: LocalStorage) -> list[Path]:
    return [path for path in storage.directory.rglob("*") if path.is_file()]


@pytest.mark.parametrize("parts", [[], [b"x"], [b"ab"] * 3000, [b"y" * 1_000_000] * 3])
async def test_a_file_is_kept_under_its_hash(storage: LocalStorage, parts: list[bytes]) -> None:
    content = b"".join(parts)

    found = await storage.store(TENANT, chunks_of(parts))

    assert (found.sha256, found.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert found.beginning == content[:BEGINNING]
    path = storage.path(TENANT, found.sha256)
    assert path == storage.directory / str(TENANT) / found.sha256[:2] / found.sha256
    assert path.read_bytes() == content
    assert every_file(storage) == [path]


async def test_the_same_file_is_kept_once_for_each_tenant(storage: LocalStorage) -> None:
    first = await storage.store(TENANT, chunks_of([b"same"]))
    await storage.store(TENANT, chunks_of([b"sa", b"me"]))
    await storage.store(TenantId(new_id()), chunks_of([b"same"]))

    assert len(every_file(storage)) == 2
    assert storage.path(TENANT, first.sha256).read_bytes() == b"same"


async def test_nothing_is_kept_of_a_file_that_ends_early(storage: LocalStorage) -> None:
    with pytest.raises(ConnectionError):
        await storage.store(TENANT, chunks_of([b"half"], then=ConnectionError("gone")))

    assert every_file(storage) == []


async def test_others_cannot_look_into_the_storage(storage: LocalStorage) -> None:
    found = await storage.store(TENANT, chunks_of([b"secret"]))

    path = storage.path(TENANT, found.sha256)
    for one in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert one.stat().st_mode & 0o077 == 0, one


@pytest.mark.parametrize(
    "evil", ["../../etc/passwd", "", "a" * 63, "A" * 64, "/" + "a" * 63, "a" * 64 + "\n"]
)
def test_no_name_leads_out_of_the_storage(storage: LocalStorage, evil: str) -> None:
    with pytest.raises(ValueError, match="is not a SHA-256"):
        storage.path(TENANT, evil)


async def test_what_a_killed_process_left_is_swept_after_a_day(storage: LocalStorage) -> None:
    kept = await storage.store(TENANT, chunks_of([b"kept"]))
    unfinished = storage.directory / "unfinished"
    for name, hours in (("old", 25), ("young", 23)):
        (unfinished / name).write_bytes(b"half")
        then = time.time() - hours * 3600
        os.utime(unfinished / name, (then, then))

    assert storage.sweep() == 1

    assert sorted(path.name for path in every_file(storage)) == sorted(["young", kept.sha256])
    assert LocalStorage(storage.directory / "elsewhere").sweep() == 0
