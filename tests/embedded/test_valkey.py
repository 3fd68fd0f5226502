import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from arq.connections import RedisSettings, create_pool
from redis.asyncio import Redis

from ventros.embedded.errors import DirectoryInUse
from ventros.embedded.valkey import EmbeddedValkey


async def test_one_url_serves_redis_and_arq(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey", durable=False) as server:
        pool = await create_pool(RedisSettings.from_dsn(server.url(3)))
        await pool.set("key", "value")
        await pool.aclose()
        async with Redis.from_url(server.url(3)) as client:
            assert await client.get("key") == b"value"
        async with Redis.from_url(server.url()) as client:
            assert await client.get("key") is None


async def test_it_listens_on_no_network_and_forgets_without_durable(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey", durable=False) as server:
        async with Redis.from_url(server.url()) as client:
            assert await client.config_get("port", "appendonly") == {"port": "0", "appendonly": "no"}


@pytest.mark.parametrize("name", ["with space, comma & ção", "l" * 120], ids=["odd characters", "long"])
async def test_any_directory_name_will_do(tmp_path: Path, name: str) -> None:
    with EmbeddedValkey(tmp_path / name / "valkey") as server:
        async with Redis.from_url(server.url()) as client:
            await client.set("key", "value")
        sockets = server.sockets

    assert sockets.parent == Path("/tmp")
    assert not sockets.exists()


async def test_acknowledged_writes_survive_a_killed_server(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    async with Redis.from_url(server.url()) as client:
        for number in range(500):
            await client.rpush("list", number)
    assert server.pid is not None
    os.kill(server.pid, 9)

    server.stop()
    with server:
        async with Redis.from_url(server.url()) as client:
            assert await client.llen("list") == 500


def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey"), pytest.raises(DirectoryInUse, match=f"process {os.getpid()}"):
        EmbeddedValkey(tmp_path / "valkey").start()


def test_killing_the_owner_ends_the_server(
    tmp_path: Path, owner: Callable[[str, Path], Any], ended: Callable[[int], None]
) -> None:
    first = owner("valkey", tmp_path / "valkey")

    first.kill()

    ended(first.server_pid)
    with EmbeddedValkey(tmp_path / "valkey") as server:
        assert server.exit_code is None


def test_a_start_outside_the_main_thread_is_refused(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    errors: list[RuntimeError] = []

    def start() -> None:
        try:
            server.start()
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert "start child processes from the main thread" in str(errors[0])
    with server:
        assert server.exit_code is None
