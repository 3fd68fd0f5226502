"""A real worker, killed while a provider listens: another one finds out what the file says."""

import asyncio
from pathlib import Path

import pytest

from domain.crm.enrichment import EnrichmentKind
from domain.crm.enrichment_routing import Abilities
from persistence.database import Database
from tests.files import CAUSE, Files, open_files
from tests.process.programs import environment_for, kill, start
from tests.provider import provider


@pytest.mark.timeout(120)
async def test_a_killed_worker_loses_no_voice_note(
    database: Database, postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with open_files(database, tmp_path) as files, provider() as ai:
        environment = environment_for(postgres_url, redis_url) | {
            "VENTROS_DATA_DIR": str(tmp_path),
            "VENTROS_AI_URL": ai.url,
        }
        files.abilities = Abilities(kinds=frozenset({EnrichmentKind.TRANSCRIPTION}))
        async with database.writing(files.shop.tenant_id, CAUSE) as uow:
            channel = await uow.channels.get_for_update(files.shop.channel_id)
            channel.configure(debounce_timeout_ms=0, at=uow.now)
        ai.hold = asyncio.Event()
        await files.receive("voice", data=b"OggS" + bytes(60))
        worker = start(environment, "work")
        try:
            while not ai.calls:  # noqa: ASYNC110 The provider says it this way only.
                await asyncio.sleep(0.05)
        finally:
            kill(worker)
        ai.hold.set()
        assert await files.rows("SELECT status, attempts FROM enrichments") == [("PROCESSING", 1)]
        await files.execute("UPDATE enrichments SET due_at = now()")

        worker = start(environment, "work")
        try:
            await _until(files, "SELECT status, text FROM message_groups", [("COMPLETED", ai.said)])
        finally:
            kill(worker)

        assert await files.rows("SELECT status, text, attempts FROM enrichments") == [
            ("COMPLETED", ai.said, 2)
        ]
        assert len(ai.calls) == 2


async def _until(files: Files, query: str, expected: list[tuple[object, ...]]) -> None:
    for _ in range(600):
        if (found := await files.rows(query)) == expected:
            return
        await asyncio.sleep(0.1)
    assert found == expected
