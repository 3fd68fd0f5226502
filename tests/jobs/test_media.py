"""Files: fetched from WAHA as soon as their message is filed, through everything that can go wrong with that."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from domain.crm.content import DocumentContent, Media
from domain.values import PhoneNumber, StoredFile
from integrations.redis_feed import listening
from jobs import media, outbound
from jobs.media import run_media
from persistence.database import Database
from persistence.messaging import media as rows
from services.crm import media as service
from services.crm import messages
from services.viewer import system_viewer
from tests.factories import open_shop, receive, work_off
from tests.files import CAUSE, MARIA, Files, open_files
from tests.waha import Script

HTML = b"<html><script>alert(document.cookie)</script></html>"


PICTURE: dict[str, object] = {"imageMessage": {}}


class Stopped:
    """A clock that stands still."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture
async def files_of(database: Database, tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[Files]]]:
    async with AsyncExitStack() as stack:

        async def make(engine: str) -> Files:
            return await stack.enter_async_context(open_files(database, tmp_path, engine=engine))

        yield make


@pytest.fixture
async def files(files_of: Callable[[str], Awaitable[Files]]) -> Files:
    return await files_of("GOWS")


async def events(files: Files) -> int:
    """How often it was announced that a file is there, or is not."""
    count: int = await files.database.system.fetchval(
        "SELECT count(*) FROM outbox WHERE event_type = 'message.media_stored'"
    )
    return count


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB", "WEBJS"])
@pytest.mark.parametrize(
    ("kind", "mime_type"),
    [
        ("image", "image/jpeg"),
        ("video", "video/mp4"),
        ("voice", "audio/ogg"),
        ("audio", "audio/wav"),
        ("document", "application/pdf"),
        ("sticker", "image/webp"),
    ],
)
async def test_the_file_of_a_message_is_kept(
    files_of: Callable[[str], Awaitable[Files]], engine: str, kind: str, mime_type: str
) -> None:
    files = await files_of(engine)
    await files.receive(kind)
    assert (await files.shown())["status"] == "PENDING"

    assert await files.fetch() == 1

    (kept,) = files.kept()
    content = kept.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert kept == files.storage.directory / str(files.shop.tenant_id) / digest[:2] / digest
    assert await files.rows("SELECT status, mime_type, size, sha256, error, attempts FROM media") == [
        ("STORED", mime_type, len(content), digest, None, 1)
    ]
    shown = await files.shown()
    assert (shown["status"], shown["mimeType"], shown["sizeBytes"], shown["error"]) == (
        "STORED",
        mime_type,
        len(content),
        None,
    )
    assert await events(files) == 1
    assert await files.fetch() == 0


async def test_the_name_of_a_document_is_kept(files: Files) -> None:
    await files.receive(
        "document", data=b"id;name\n1;Ana", content={"filename": "clientes.csv", "mimetype": "text/csv"}
    )

    await files.fetch()

    shown = await files.shown()
    assert (shown["filename"], shown["mimeType"], shown["sizeBytes"]) == ("clientes.csv", "text/csv", 13)


async def test_the_file_of_a_message_typed_on_the_phone_is_kept(files: Files) -> None:
    await files.waha.post("sessions/crm-demo/typed", chat=MARIA, content={"kind": "image"})
    await files.until("SELECT origin FROM messages", [("PHONE",)])

    await files.fetch()

    assert (await files.shown())["status"] == "STORED"


async def test_the_file_of_a_message_we_sent_is_kept_once_whatsapp_has_it(files: Files) -> None:
    content = DocumentContent(media=Media(url=f"{files.url}/invoice.pdf", filename="nota.pdf"))
    async with files.database.writing(files.shop.tenant_id, CAUSE) as uow:
        message = await messages.send(
            uow,
            files.shop.viewer,
            chat_id=None,
            to=PhoneNumber(f"+{MARIA}"),
            channel_id=files.shop.channel_id,
            content=content,
            reply_to_id=None,
            client_message_id=None,
        )
    assert await files.fetch() == 0
    await outbound.deliver_next(files.database, files.shop.tenant_id, message.chat_id, dial=files.dial)
    await files.until("SELECT count(*) FROM media", [(1,)])

    await files.fetch()

    assert await files.rows("SELECT origin FROM messages") == [("API",)]
    shown = await files.shown()
    assert (shown["status"], shown["filename"], shown["mimeType"]) == (
        "STORED",
        "nota.pdf",
        "application/pdf",
    )


@pytest.mark.parametrize("engine", ["GOWS", "NOWEB", "WEBJS"])
@pytest.mark.parametrize("group", [False, True], ids=["chat", "group"])
async def test_a_file_that_waha_has_forgotten_is_asked_for_again(
    files_of: Callable[[str], Awaitable[Files]], engine: str, group: bool
) -> None:
    files = await files_of(engine)
    where: dict[str, Any] = {}
    if group:
        where = {"chat": "120363000000000001@g.us"}
        members = [{"person": MARIA}]
        await files.waha.post("sessions/crm-demo/groups", id=where["chat"], subject="Equipe", members=members)
    await files.receive("image", waId="3A0000000000000000A3", **where)
    await files.waha.post("files/forget", session="crm-demo", message="3A0000000000000000A3")

    await files.fetch()

    assert await files.rows("SELECT status, attempts FROM media") == [("STORED", 1)]


async def test_a_file_that_was_not_offered_at_first_is_asked_for(files: Files) -> None:
    await files.waha.post("webhooks/hold")
    await files.waha.post(
        "sessions/crm-demo/incoming", person=MARIA, content={"kind": "image"}, waId="3A0000000000000000A3"
    )
    await receive(files.database, files.shop, [Script().message("3A0000000000000000A3", body=PICTURE)])
    await work_off(files.database)
    assert await files.rows("SELECT status, url FROM media") == [("PENDING", None)]

    await files.fetch()

    assert await files.rows("SELECT status, mime_type FROM media") == [("STORED", "image/jpeg")]


async def test_a_file_that_is_gone_for_good_fails_and_leaves_the_message(files: Files) -> None:
    await files.receive("image", waId="3A0000000000000000A3", content={"caption": "Olhe"})
    await files.waha.post("files/forget", session="crm-demo", message="3A0000000000000000A3", forever=True)

    attempts = 0
    while await files.fetch():
        attempts += 1
        await files.wait_over()

    assert attempts == service.ATTEMPTS
    assert await files.rows("SELECT text, status, content_kind FROM messages") == [
        ("Olhe", "RECEIVED", "IMAGE")
    ]
    shown = await files.shown()
    assert (shown["status"], shown["url"], shown["error"]) == ("FAILED", None, "media is gone")
    assert await events(files) == 1
    assert files.kept() == []


async def test_pauses_grow_between_attempts(files: Files) -> None:
    await files.receive("image", lost=True)
    now = files.database.clock.now()
    files.database.clock = Stopped(now)
    pauses = []
    for _ in range(service.ATTEMPTS - 1):
        await files.fetch()
        ((until,),) = await files.rows("SELECT available_at FROM media")
        pauses.append((until - now).total_seconds())
        await files.wait_over()

    assert pauses == [5, 30, 120, 600, 1800]


async def test_a_file_that_is_too_large_fails_at_once(files: Files) -> None:
    await files.receive("sticker", data=b"RIFF0000WEBP" + bytes(1024 * 1024))

    await files.fetch()

    shown = await files.shown()
    assert (shown["status"], shown["error"]) == ("FAILED", "The file has more than 1048576 bytes.")
    assert files.kept() == []
    assert await files.fetch() == 0


@pytest.mark.parametrize(
    ("kind", "said", "data", "found"),
    [
        ("image", "image/png", HTML, "application/octet-stream"),
        ("image", "image/svg+xml", b"<svg/>", "application/octet-stream"),
        ("document", "text/plain", b"%PDF-1.4", "application/octet-stream"),
        ("document", "application/pdf", HTML, "application/octet-stream"),
        ("document", "application/octet-stream", b"%PDF-1.4", "application/pdf"),
        ("document", "text/html", HTML, "text/html"),
    ],
)
async def test_a_file_is_what_it_begins_like(
    files: Files, kind: str, said: str, data: bytes, found: str
) -> None:
    await files.receive(kind, data=data, content={"mimetype": said})

    await files.fetch()

    assert (await files.shown())["mimeType"] == found


async def test_a_file_waits_for_a_waha_that_is_away(files: Files) -> None:
    await files.receive("image")
    await files.waha.post("faults/rest", fault="error-503", operation="files", count=1)
    await files.fetch()
    assert await files.rows("SELECT status, attempts, lease_until FROM media") == [("PENDING", 1, None)]
    for _ in range(service.ATTEMPTS + 1):
        await files.waha.post("faults/rest", fault="refuse", operation="any", count=1)
        await files.wait_over()
        await files.fetch()
    assert await files.rows("SELECT status FROM media") == [("PENDING",)]

    await files.wait_over()
    await files.fetch()

    assert await files.rows("SELECT status FROM media") == [("STORED",)]


async def test_a_waha_that_stays_away_for_a_day_is_given_up(files: Files) -> None:
    await files.receive("image")
    await files.execute("UPDATE media SET created_at = now() - interval '25 hours'")
    await files.waha.post("faults/rest", fault="error-503", operation="any", count=10)

    await files.fetch()

    assert (await files.shown())["status"] == "FAILED"


async def test_a_full_disk_is_waited_out(files: Files) -> None:
    class Full:
        async def store(self, tenant_id: object, chunks: AsyncIterator[bytes]) -> StoredFile:
            raise OSError(28, "No space left on device")

        def path(self, tenant_id: object, sha256: str) -> Path:
            raise AssertionError("Nothing is stored.")

        def sweep(self) -> int:
            return 0

    await files.receive("image")
    await files.fetch(Full())
    assert await files.rows("SELECT status, error FROM media") == [
        ("PENDING", "The file could not be stored (OSError).")
    ]

    await files.wait_over()
    await files.fetch()

    assert await files.rows("SELECT status FROM media") == [("STORED",)]


async def test_a_file_whose_worker_died_is_fetched_by_another_once_the_lease_ends(files: Files) -> None:
    await files.receive("image")
    viewer = system_viewer(tenant_id=files.shop.tenant_id)
    ((media_id,),) = await files.rows("SELECT id FROM media")
    async with files.database.writing(files.shop.tenant_id, CAUSE) as uow:
        errand = await service.claim(uow, viewer, media_id=media_id)
    assert errand is not None
    assert await files.fetch() == 0

    await files.wait_over()
    assert await files.fetch() == 1
    assert (await files.shown())["status"] == "STORED"

    # The first was not dead but slow: what it says does not count any more.
    late = StoredFile(sha256="0" * 64, size=1, beginning=b"")
    async with files.database.writing(files.shop.tenant_id, CAUSE) as uow:
        assert not await service.store(uow, viewer, errand=errand, file=late, told=Media())
        await service.give_up(uow, viewer, errand=errand, reason="late")
    assert (await files.shown())["status"] == "STORED"
    assert await events(files) == 1


async def test_a_worker_killed_between_file_and_row_leaves_one_file(files: Files) -> None:
    await files.receive("image")
    await files.fetch()
    await files.execute("UPDATE media SET status = 'PENDING', sha256 = NULL")

    await files.wait_over()
    await files.fetch()

    assert len(files.kept()) == 1
    assert await files.rows("SELECT status FROM media") == [("STORED",)]


async def test_workers_who_die_over_a_file_do_not_try_for_ever(files: Files) -> None:
    await files.receive("image")
    await files.execute(
        f"UPDATE media SET attempts = {service.ATTEMPTS}, lease_until = now() - interval '1 second'"
    )

    await files.fetch()

    shown = await files.shown()
    assert (shown["status"], shown["error"]) == ("FAILED", "Every attempt to store the file was interrupted.")


async def test_a_claim_is_kept_while_the_file_comes(files: Files) -> None:
    class Slow:
        async def store(self, tenant_id: object, chunks: AsyncIterator[bytes]) -> StoredFile:
            before = await files.rows("SELECT lease_until FROM media")
            while await files.rows("SELECT lease_until FROM media") == before:  # noqa: ASYNC110 The row says it.
                await asyncio.sleep(0.01)
            return StoredFile(sha256="0" * 64, size=1, beginning=b"")

        def path(self, tenant_id: object, sha256: str) -> Path:
            raise AssertionError("Nothing is served.")

        def sweep(self) -> int:
            return 0

    await files.receive("image")
    await files.fetch(Slow(), hold_seconds=0.05)

    assert await files.rows("SELECT status, lease_until FROM media") == [("STORED", None)]


async def test_a_message_told_twice_has_one_file(files: Files) -> None:
    await files.waha.post("faults/webhooks", fault="duplicate", copies=2)
    await files.waha.post("faults/webhooks", fault="twin-address")
    await files.receive("image")
    await files.waha.post("settle")
    await work_off(files.database)

    assert await files.fetch() == 1
    assert await files.rows("SELECT count(*) FROM media") == [(1,)]


async def test_when_two_messages_turn_out_to_be_one_their_files_stay_with_it(files: Files) -> None:
    script = Script()
    await receive(files.database, files.shop, [script.message("A1", body=PICTURE)])
    await work_off(files.database)
    await receive(files.database, files.shop, [script.message("A1", body=PICTURE, address="lid")])
    await work_off(files.database)
    assert await files.rows("SELECT count(DISTINCT message_id) FROM media") == [(2,)]

    await receive(files.database, files.shop, [script.message("A2", tell_both=True)])
    await work_off(files.database)

    assert await files.rows("SELECT count(*) FROM messages WHERE external_id = 'A1'") == [(1,)]
    assert await files.rows(
        "SELECT DISTINCT message_id = m.id FROM media, messages m WHERE external_id = 'A1'"
    ) == [(True,)]


async def test_the_loop_fetches_everything_by_itself(files: Files) -> None:
    for _ in range(media.CONCURRENT_FILES + 4):
        await files.receive("image")
    async with listening(None, ["media"]) as wakes:
        loop = asyncio.create_task(run_media(files.database, wakes, dial=files.dial, storage=files.storage))
        await files.until(
            "SELECT count(*) FROM media WHERE status = 'STORED'", [(media.CONCURRENT_FILES + 4,)]
        )
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop

    assert await events(files) == media.CONCURRENT_FILES + 4


async def test_a_batch_wakes_whoever_fetches_files(database: Database) -> None:
    woken: list[str] = []

    async def note(name: str) -> None:
        woken.append(name)

    shop = await open_shop(database)
    database.wake = note
    await receive(database, shop, [Script().message("A1")])
    await work_off(database)
    assert woken == ["outbox"]
    await receive(database, shop, [Script().message("A2", body=PICTURE)])
    await work_off(database)

    assert woken == ["outbox", "media", "outbox"]


async def test_the_system_sees_which_files_are_due_and_nothing_else_of_them(files: Files) -> None:
    await files.receive("image")

    (due,) = await rows.due(files.database.system, limit=10)

    assert due.tenant_id == files.shop.tenant_id
    assert await rows.waiting(files.database.system) == 1
    for column in ("url", "filename", "sha256", "chat_address"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await files.database.system.fetch(f"SELECT {column} FROM media")
