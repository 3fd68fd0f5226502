"""A whole worker, as `ventros work` runs it: what somebody writes is answered, and the session summed up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from aisim.testing import Running
from domain.crm.session import SessionEndReason
from tests.ai.desk import Desk
from tests.factories import SECRET_KEY, receive
from tests.waha import MARIA, Script
from ventros.settings import Environment, Settings
from ventros.wiring import connected
from ventros.worker import run


async def until(find: Callable[[], Awaitable[Any]]) -> Any:
    """Look until there is something; the test's own timeout ends what never comes."""
    while not (found := await find()):  # noqa: ASYNC110 What is looked for is in a database.
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("with_redis", [True, False])
async def test_a_worker_answers_and_sums_up(
    desk: Desk, ai: Running, postgres_url: str, redis_url: str, tmp_path: Path, *, with_redis: bool
) -> None:
    async with desk.writing() as uow:
        channel = await uow.channels.get_for_update(desk.shop.channel_id)
        channel.configure(debounce_timeout_ms=300, at=uow.now)
    settings = Settings(
        env=Environment.TEST,
        database_url=postgres_url,
        redis_url=redis_url if with_redis else "",
        secret_key=SecretStr(SECRET_KEY),
        data_dir=tmp_path,
        ai_url=ai.url,
        ai_model="aisim-chat",
    )
    await ai.answer("Temos bolo de cenoura.", containing="tem bolo?")
    await ai.answer(
        '{"summary": "Um bolo.", "sentiment": "NEUTRAL", "topics": [], "next_steps": []}',
        containing="You sum up conversations",
        count=None,
    )
    script = Script()
    async with connected(settings) as parts:
        working = asyncio.create_task(run(parts))
        try:
            bodies = [
                script.message(f"W{n}", text=text, by=MARIA, at=n)
                for n, text in enumerate(("Oi", "tem bolo?"))
            ]
            await receive(desk.database, desk.shop, bodies)
            replies = await until(desk.replies)
            async with desk.writing() as uow:
                for row in await desk.rows("SELECT id FROM sessions WHERE status = 'ACTIVE'"):
                    session = await uow.sessions.get_for_update(row["id"])
                    session.message_count = max(session.message_count, 3)
                    session.end(SessionEndReason.RESOLVED, at=uow.now)
            summaries = await until(lambda: desk.rows("SELECT text FROM session_summaries"))
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working

    assert replies == ["Temos bolo de cenoura."]
    assert {row["text"] for row in summaries} == {"Um bolo."}
    (found,) = await desk.rows("SELECT outcome FROM ai_runs")
    assert found["outcome"] == "REPLIED"
