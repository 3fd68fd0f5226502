"""isolation: Show each tenant its own rows only, and open the event log's first partitions."""

from alembic import op

from migrations.isolation import APP, SYSTEM, create_roles, isolate_all

revision = "2026_11_24_0002"
down_revision = "2026_11_24_0001"
branch_labels = None
depends_on = None

ALL = "SELECT, INSERT, UPDATE, DELETE"

TABLES = {
    "tenants": ("SELECT, INSERT, UPDATE", "SELECT"),
    "projects": ("SELECT, INSERT, UPDATE", ""),
    "agents": ("SELECT, INSERT, UPDATE", ""),
    "api_keys": ("SELECT, INSERT, UPDATE", "SELECT"),
    "pipelines": (ALL, ""),
    "channels": ("SELECT, INSERT, UPDATE", "SELECT"),
    "channel_counters": (ALL, ""),
    "contacts": (ALL, ""),
    "contact_identities": (ALL, ""),
    "chats": (ALL, "SELECT (tenant_id, id, subject_due_at)"),
    "chat_participants": (ALL, ""),
    "sessions": (ALL, "SELECT (tenant_id, id, status, timeout_at)"),
    "messages": (ALL, ""),
    "early_facts": ("SELECT, INSERT, DELETE", "SELECT, DELETE"),
    "outgoing": (ALL, "SELECT"),
    "media": ("SELECT, INSERT, UPDATE", "SELECT (tenant_id, id, status, available_at, lease_until)"),
    "inbox_events": ("SELECT, UPDATE, DELETE", ALL),
    "inbox_archive": ("SELECT, INSERT", "SELECT, DELETE"),
    "inbox_dead": ("SELECT, INSERT, DELETE", "SELECT"),
    "outbox": ("INSERT", "SELECT, DELETE"),
    "event_log": ("SELECT", "SELECT, INSERT"),
    "sink_offsets": ("", ALL),
}


def upgrade() -> None:
    create_roles()
    isolate_all(TABLES)
    # A server asks at its start whether the database is at its release.
    op.execute(f"GRANT SELECT ON alembic_version TO {APP}")
    op.execute("CREATE SEQUENCE event_position")
    op.execute(f"GRANT USAGE ON SEQUENCE event_position TO {SYSTEM}")
    # Queue tables go from empty to full and back: keep their statistics and dead rows fresh.
    for queue in ("inbox_events", "outbox", "outgoing"):
        op.execute(
            f"ALTER TABLE {queue} SET (autovacuum_vacuum_scale_factor = 0.01, "
            "autovacuum_analyze_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0)"
        )
    # Runs as the owner of the log, because only the owner may add partitions. It takes no argument, so there
    # is nothing to inject, and it always keeps one partition ahead of the positions in use.
    op.execute(
        """
        CREATE FUNCTION extend_event_log() RETURNS integer
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
        DECLARE
          size constant bigint := 10000000;
          needed bigint := (SELECT last_value FROM public.event_position) / size + 1;
          made integer := 0;
          part text;
        BEGIN
          FOR n IN greatest(needed - 1, 0)..needed LOOP
            part := 'event_log_' || lpad(n::text, 6, '0');
            IF to_regclass('public.' || part) IS NULL THEN
              EXECUTE format('CREATE TABLE public.%I PARTITION OF public.event_log FOR VALUES FROM (%s) TO (%s)',
                             part, n * size, (n + 1) * size);
              EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
              EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', part);
              made := made + 1;
            END IF;
          END LOOP;
          RETURN made;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION extend_event_log() FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION extend_event_log() TO {SYSTEM}")
    op.execute("SELECT extend_event_log()")


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ON alembic_version FROM {APP}")
    op.execute("DROP FUNCTION extend_event_log()")
    op.execute("DROP SEQUENCE event_position")
    op.execute(
        """
        DO $$
        DECLARE part regclass;
        BEGIN
          FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'event_log'::regclass LOOP
            EXECUTE format('DROP TABLE %s', part);
          END LOOP;
        END $$
        """
    )
    for table, (app, system) in TABLES.items():
        for policy, privileges in (("tenant_isolation", app), ("system_work", system)):
            if privileges:
                op.execute(f"DROP POLICY {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM ventros_app, ventros_system")
