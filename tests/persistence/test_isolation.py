"""What one tenant can learn of another from the database: nothing."""

from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from domain.clock import SystemClock
from domain.crm.contact import Contact, IdentitySource, NameSource
from domain.errors import AlreadyExists, Conflict, NotFound
from domain.identity.tenant import Project, Tenant
from domain.values import WhatsAppAddress
from persistence.database import Database
from persistence.events import Cause

CLOCK = SystemClock()
PHONE = WhatsAppAddress.parse("5511999990001@c.us")


async def _a_tenant_with_a_contact(database: Database, cause: Cause) -> Contact:
    tenant = Tenant.create(name="Padaria", at=CLOCK.now())
    async with database.writing(tenant.id, cause) as uow:
        uow.tenants.add(tenant)
        project = uow.projects.add(Project.create(tenant_id=tenant.id, name="Loja", at=uow.now))
        contact = uow.contacts.add(
            Contact.create(
                tenant_id=tenant.id, project_id=project.id, name="Maria", source=NameSource.MANUAL, at=uow.now
            )
        )
        assert PHONE is not None
        uow.contacts.link(contact.identify(PHONE, source=IdentitySource.MANUAL, at=uow.now))
    return contact


async def test_a_tenant_reads_its_own_rows_only(database: Database, cause: Cause) -> None:
    ours = await _a_tenant_with_a_contact(database, cause)
    theirs = await _a_tenant_with_a_contact(database, cause)

    async with database.reading(ours.tenant_id) as reader:
        found = await reader.contacts.find_many([ours.id, theirs.id])

    assert list(found) == [ours.id]


async def test_without_a_tenant_there_are_no_rows(database: Database, cause: Cause) -> None:
    await _a_tenant_with_a_contact(database, cause)

    async with database.engine.connect() as connection:
        rows = (await connection.execute(text("SELECT * FROM contacts"))).all()

    assert rows == []


async def test_a_foreign_object_cannot_be_locked_or_changed(database: Database, cause: Cause) -> None:
    ours = await _a_tenant_with_a_contact(database, cause)
    theirs = await _a_tenant_with_a_contact(database, cause)

    async with database.writing(ours.tenant_id, cause) as uow:
        with pytest.raises(NotFound):
            await uow.contacts.get_for_update(theirs.id)
        changed = await uow.session.execute(
            text("UPDATE contacts SET name = 'gone' WHERE id = :id"), {"id": theirs.id}
        )

    assert changed.rowcount == 0


async def test_a_row_cannot_be_written_for_another_tenant(
    database: Database, cause: Cause, somebody: UUID
) -> None:
    ours = await _a_tenant_with_a_contact(database, cause)
    stray = Contact.create(
        tenant_id=ours.tenant_id,
        project_id=ours.project_id,
        name="Stray",
        source=NameSource.MANUAL,
        at=CLOCK.now(),
    )

    with pytest.raises(Exception, match="row-level security"):
        async with database.writing(somebody, cause) as uow:
            uow.contacts.add(stray)


async def test_two_tenants_may_know_the_same_phone_number(database: Database, cause: Cause) -> None:
    first = await _a_tenant_with_a_contact(database, cause)
    second = await _a_tenant_with_a_contact(database, cause)

    assert first.tenant_id != second.tenant_id


async def test_a_phone_number_belongs_to_one_contact_of_a_project(database: Database, cause: Cause) -> None:
    maria = await _a_tenant_with_a_contact(database, cause)
    assert PHONE is not None

    with pytest.raises(AlreadyExists, match="Another contact already has this phone number"):
        async with database.writing(maria.tenant_id, cause) as uow:
            joana = uow.contacts.add(
                Contact.create(
                    tenant_id=maria.tenant_id,
                    project_id=maria.project_id,
                    name="Joana",
                    source=NameSource.MANUAL,
                    at=uow.now,
                )
            )
            uow.contacts.link(joana.identify(PHONE, source=IdentitySource.MANUAL, at=uow.now))


async def test_a_stale_change_is_refused(database: Database, cause: Cause) -> None:
    contact = await _a_tenant_with_a_contact(database, cause)

    with pytest.raises(Conflict):
        async with database.writing(contact.tenant_id, cause) as slow:
            stale = await slow.contacts.find(contact.id)
            assert stale is not None
            async with database.writing(contact.tenant_id, cause) as fast:
                fresh = await fast.contacts.get_for_update(contact.id)
                fresh.rename("Maria Silva", source=NameSource.MANUAL, said_at=fast.now, at=fast.now)
            stale.rename("Maria Souza", source=NameSource.MANUAL, said_at=slow.now, at=slow.now)

    async with database.reading(contact.tenant_id) as reader:
        kept = await reader.contacts.find(contact.id)
    assert kept is not None
    assert (kept.name, kept.version) == ("Maria Silva", 2)


async def test_the_pools_are_neither_superuser_nor_owner(database: Database) -> None:
    question = "SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    async with database.engine.connect() as connection:
        app = (await connection.execute(text(question))).one()
    system = await database.system.fetchrow(question)

    assert tuple(app) == ("ventros_app", False)
    assert tuple(system or ()) == ("ventros_system", False)


AUDIT = """
SELECT c.relname,
       c.relrowsecurity AND c.relforcerowsecurity AS forced,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull) AS owned,
       ARRAY(SELECT p.polname::text || ': ' || pg_get_expr(p.polqual, p.polrelid)
             FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1) AS policies
FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
"""

OWNERLESS = {"sink_offsets"}


async def test_every_table_has_a_tenant_and_a_policy_that_asks_for_it(
    database: Database, postgres_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch(AUDIT)
    await connection.close()

    assert [row["relname"] for row in rows if not row["forced"]] == []
    assert {row["relname"] for row in rows if not row["owned"]} == OWNERLESS
    for row in rows:
        isolation = [one for one in row["policies"] if one.startswith("tenant_isolation")]
        if row["relname"] in OWNERLESS or row["relname"].startswith("event_log_"):
            assert isolation == []
            continue
        assert len(isolation) == 1, row["relname"]
        assert "NULLIF(current_setting('app.tenant_id'::text, true), ''::text)" in isolation[0]


async def test_every_unique_key_and_reference_starts_with_the_tenant(
    database: Database, postgres_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    keys = await connection.fetch(
        """
        SELECT i.indexrelid::regclass::text AS name, a.attname AS first
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
        """
    )
    references = await connection.fetch(
        """
        SELECT conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) AS text FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        """
    )
    await connection.close()

    # A tenant's own id, a random token looked up before the tenant is known, and the sinks' names.
    allowed = {"pk_tenants", "uq_channels_webhook_token", "pk_sink_offsets"}
    assert {row["name"] for row in keys if row["first"] != "tenant_id"} == allowed
    assert [row["text"] for row in references if "FOREIGN KEY (tenant_id" not in row["text"]] == []


async def test_the_application_may_not_truncate_or_reference_or_trigger(
    database: Database, postgres_url: str
) -> None:
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch(
        """
        SELECT table_name, privilege_type FROM information_schema.role_table_grants
        WHERE grantee IN ('ventros_app', 'ventros_system')
          AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
        """
    )
    await connection.close()

    assert rows == []


async def test_what_was_found_out_goes_with_its_message_and_never_alone(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch(
        """
        SELECT table_name, string_agg(privilege_type, ', ' ORDER BY privilege_type) AS may
        FROM information_schema.role_table_grants
        WHERE grantee = 'ventros_app' AND table_name IN ('enrichments', 'enrichment_results', 'ai_usage')
        GROUP BY table_name ORDER BY table_name
        """
    )
    await connection.close()

    assert [(row["table_name"], row["may"]) for row in rows] == [
        ("ai_usage", "INSERT, SELECT, UPDATE"),
        ("enrichment_results", "INSERT, SELECT"),
        ("enrichments", "INSERT, SELECT, UPDATE"),
    ]
