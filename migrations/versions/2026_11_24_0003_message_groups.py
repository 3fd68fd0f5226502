"""message groups: Bursts of messages, and when they are due."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.isolation import SYSTEM, isolate

revision = "2026_11_24_0003"
down_revision = "2026_11_24_0002"
branch_labels = None
depends_on = None

OPEN = "status IN ('PENDING', 'PROCESSING')"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "message_groups",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid()),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cancel_reason", sa.Text()),
        sa.Column("message_ids", postgresql.JSONB(), nullable=False),
        sa.Column("first_sent_at", instant, nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.Column("deadline_at", instant, nullable=False),
        sa.Column("flushed_at", instant),
        sa.Column("due_at", instant),
        sa.Column("token", sa.Uuid()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("settled_at", instant),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_message_groups"),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column],
                [f"{parent}.tenant_id", f"{parent}.id"],
                name=f"fk_message_groups_tenant_id_{column}",
                deferrable=True,
                initially="DEFERRED",
            )
            for column, parent in (
                ("project_id", "projects"),
                ("channel_id", "channels"),
                ("chat_id", "chats"),
                ("contact_id", "contacts"),
                ("session_id", "sessions"),
            )
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name="fk_message_groups_tenant_id",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index(
        "uq_message_groups_open",
        "message_groups",
        ["tenant_id", "chat_id", "status"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )
    op.create_index(
        "ix_message_groups_due", "message_groups", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index(
        "ix_message_groups_opened", "message_groups", ["tenant_id", "project_id", "opened_at", "id"]
    )
    op.create_index("ix_message_groups_chat", "message_groups", ["tenant_id", "chat_id", "opened_at", "id"])
    op.create_index("ix_message_groups_session", "message_groups", ["tenant_id", "session_id"])
    isolate(
        "message_groups",
        app="SELECT, INSERT, UPDATE, DELETE",
        system="SELECT (tenant_id, id, due_at, status, chat_id)",
    )
    op.execute(
        "ALTER TABLE message_groups SET (autovacuum_vacuum_scale_factor = 0.01, "
        "autovacuum_analyze_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0)"
    )
    op.add_column("messages", sa.Column("group_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_messages_tenant_id_group_id",
        "messages",
        "message_groups",
        ["tenant_id", "group_id"],
        ["tenant_id", "id"],
        deferrable=True,
        initially="DEFERRED",
    )
    op.add_column("chats", sa.Column("automation_resumes_at", instant))
    op.add_column(
        "channels",
        sa.Column("grouping", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")),
    )
    op.alter_column("channels", "grouping", server_default=None)
    op.add_column("channels", sa.Column("agent_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_channels_tenant_id_agent_id",
        "channels",
        "agents",
        ["tenant_id", "agent_id"],
        ["tenant_id", "id"],
        deferrable=True,
        initially="DEFERRED",
    )
    op.add_column(
        "channels",
        sa.Column("takeover_pause_seconds", sa.Integer(), nullable=False, server_default=sa.text("3600")),
    )
    op.alter_column("channels", "takeover_pause_seconds", server_default=None)
    _sessions_warn()


def downgrade() -> None:
    _sessions_warn_no_more()
    for column in ("takeover_pause_seconds", "agent_id", "grouping"):
        op.drop_column("channels", column)
    op.drop_column("chats", "automation_resumes_at")
    op.drop_column("messages", "group_id")
    op.drop_table("message_groups")


def _sessions_warn() -> None:
    """Tell before a session ends, and let one column say when to look at it."""
    instant = sa.DateTime(timezone=True)
    op.add_column("channels", sa.Column("session_warning_seconds", sa.Integer()))
    op.add_column("sessions", sa.Column("warning_seconds", sa.Integer()))
    op.add_column("sessions", sa.Column("warned_at", instant))
    op.add_column("sessions", sa.Column("due_at", instant))
    op.execute("UPDATE sessions SET due_at = timeout_at WHERE status = 'ACTIVE'")
    op.drop_index("ix_sessions_due", "sessions")
    op.create_index("ix_sessions_due", "sessions", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.execute(f"REVOKE ALL ON sessions FROM {SYSTEM}")
    op.execute(f"REVOKE SELECT (tenant_id, id, status, timeout_at) ON sessions FROM {SYSTEM}")
    op.execute(f"GRANT SELECT (tenant_id, id, due_at) ON sessions TO {SYSTEM}")


def _sessions_warn_no_more() -> None:
    op.execute(f"REVOKE SELECT (tenant_id, id, due_at) ON sessions FROM {SYSTEM}")
    op.execute(f"GRANT SELECT (tenant_id, id, status, timeout_at) ON sessions TO {SYSTEM}")
    op.drop_index("ix_sessions_due", "sessions")
    op.drop_column("sessions", "due_at")
    op.drop_column("sessions", "warned_at")
    op.drop_column("sessions", "warning_seconds")
    op.drop_column("channels", "session_warning_seconds")
    op.create_index(
        "ix_sessions_due", "sessions", ["timeout_at"], postgresql_where=sa.text("status = 'ACTIVE'")
    )
