"""The API as one shop, and as a stranger, with a count of what reaches PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event

from persistence.database import Database
from tests.factories import Shop, open_shop
from tests.graphql.asking import Api, Statements


@pytest.fixture
async def shop(database: Database) -> Shop:
    return await open_shop(database)


@pytest.fixture
async def api(database: Database, shop: Shop) -> AsyncIterator[Api]:
    """The API as the shop sees it; afterwards every connection is back in its pool."""
    yield Api(database, shop.viewer)
    assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined] # A QueuePool.


@pytest.fixture
async def stranger(database: Database) -> Api:
    """The API as another tenant sees it."""
    other = await open_shop(database, name="Concorrente")
    return Api(database, other.viewer)


@pytest.fixture
async def statements(database: Database) -> AsyncIterator[Statements]:
    """Every statement of the tenants' pool, those that open a snapshot included."""
    seen = Statements([])

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.texts.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
