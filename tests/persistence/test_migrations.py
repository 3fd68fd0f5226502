"""Migrations: forwards, backwards and forwards again, on an empty database."""

import asyncio
import os
from collections.abc import Iterator

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from ventros import migrate

CATALOGUE = """
SELECT 'column' AS what, c.relname || '.' || a.attname AS name,
       format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || ' ' || a.attidentity::text || ' '
         || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS detail
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S') AND a.attnum > 0
  AND NOT a.attisdropped AND c.relname <> 'alembic_version'
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL
SELECT 'constraint', conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'policy', polrelid::regclass::text || ' ' || polname,
       polroles::regrole[]::text || coalesce(pg_get_expr(polqual, polrelid), '') || coalesce(pg_get_expr(polwithcheck, polrelid), '')
FROM pg_policy
UNION ALL
SELECT 'grant', relname, coalesce(relacl::text, '') || relrowsecurity::text || relforcerowsecurity::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S') AND relname <> 'alembic_version'
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid) || coalesce(proacl::text, '') FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


@pytest.fixture
def empty_database(admin_url: str) -> Iterator[str]:
    name = f"ventros_migrations_{os.getpid()}"
    asyncio.run(_run(admin_url, f"CREATE DATABASE {name}"))
    yield make_url(admin_url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(_run(admin_url, f"DROP DATABASE {name} WITH (FORCE)"))


def test_up_down_up_leaves_the_same_schema(empty_database: str) -> None:
    migrate.upgrade(empty_database)
    first = asyncio.run(_catalogue(empty_database))

    migrate.downgrade(empty_database, "base")
    emptied = asyncio.run(_catalogue(empty_database))
    migrate.upgrade(empty_database)

    assert emptied == []
    assert asyncio.run(_catalogue(empty_database)) == first


def test_the_database_is_what_the_code_declares(empty_database: str) -> None:
    migrate.upgrade(empty_database)

    assert migrate.differences(empty_database) == []


def test_a_database_says_where_it_stands(empty_database: str) -> None:
    empty = migrate.status(empty_database)
    assert (empty.current, empty.is_current) == (None, False)

    migrate.upgrade(empty_database, empty.pending[0])
    halfway = migrate.status(empty_database)
    assert (halfway.current, halfway.pending) == (empty.pending[0], empty.pending[1:])

    migrate.upgrade(empty_database)
    assert migrate.status(empty_database).is_current


def test_two_processes_may_migrate_at_once(empty_database: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrate.upgrade, [empty_database] * 2))

    assert migrate.status(empty_database).is_current


async def _catalogue(url: str) -> list[tuple[str, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(map(str, row)) for row in await connection.fetch(CATALOGUE)]
    finally:
        await connection.close()


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
