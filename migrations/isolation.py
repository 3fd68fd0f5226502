"""How a migration isolates tenants: roles, grants and row-level security."""

from collections.abc import Mapping

from alembic import op

APP, SYSTEM = "ventros_app", "ventros_system"

TENANT = "tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"
"""True for rows of the transaction's tenant; without a tenant it is true for none (the setting is '' after use)."""


def create_roles() -> None:
    """Create the two roles where they are missing, and let the migrating login assume them.

    Roles belong to the whole server, so a downgrade leaves them.
    """
    for role in (APP, SYSTEM):
        op.execute(
            f"""
            DO $$
            DECLARE
              -- Since PostgreSQL 16 whoever makes a role is its member, but may not assume it yet.
              able text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
            BEGIN
              IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                BEGIN
                  CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
              END IF;
              IF NOT pg_has_role(current_user, '{role}', able) THEN
                EXECUTE format('GRANT {role} TO %I', current_user);
              END IF;
            END $$
            """
        )


def isolate(table: str, *, app: str, system: str = "") -> None:
    """Show each tenant its own rows only, even to the table's owner, and grant the least that is needed.

    `app` and `system` are lists of privileges as in GRANT; the system role, where it has any, sees all rows.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    if app:
        op.execute(
            f"CREATE POLICY tenant_isolation ON {table} TO {APP} USING ({TENANT}) WITH CHECK ({TENANT})"
        )
        op.execute(f"GRANT {app} ON {table} TO {APP}")
    if system:
        op.execute(f"CREATE POLICY system_work ON {table} TO {SYSTEM} USING (true) WITH CHECK (true)")
        op.execute(f"GRANT {system} ON {table} TO {SYSTEM}")


def isolate_all(tables: Mapping[str, tuple[str, str]]) -> None:
    """Isolate several tables: name to (privileges of the application, privileges of the system)."""
    for table, (app, system) in tables.items():
        isolate(table, app=app, system=system)
