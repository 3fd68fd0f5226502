"""ai agents: Models that answer, and what they did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.isolation import SYSTEM, isolate

revision = "2026_11_24_0006"
down_revision = "2026_11_24_0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "SELECT, INSERT, UPDATE, DELETE"


def upgrade() -> None:
    op.add_column("agents", sa.Column("ai", postgresql.JSONB()))
    op.add_column("sessions", sa.Column("escalation", postgresql.JSONB()))
    op.add_column("sessions", sa.Column("summary_due_at", INSTANT))
    op.create_index(
        "ix_sessions_summary_due",
        "sessions",
        ["summary_due_at"],
        postgresql_where=sa.text("summary_due_at IS NOT NULL"),
    )
    op.execute(f"GRANT SELECT (summary_due_at) ON sessions TO {SYSTEM}")
    _create_runs()
    op.create_table(
        "contact_facts",
        *_key(),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_keys("contact_facts", project_id="projects", contact_id="contacts", agent_id="agents"),
    )
    op.create_index(
        "ix_contact_facts_contact", "contact_facts", ["tenant_id", "contact_id", "created_at", "id"]
    )
    op.create_table(
        "session_summaries",
        *_key(),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sentiment", sa.Text(), nullable=False),
        sa.Column("topics", postgresql.JSONB(), nullable=False),
        sa.Column("next_steps", postgresql.JSONB(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_microusd", sa.BigInteger()),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_keys(
            "session_summaries",
            cascading=("id",),
            id="sessions",
            project_id="projects",
            contact_id="contacts",
        ),
    )
    op.create_index(
        "ix_session_summaries_contact", "session_summaries", ["tenant_id", "contact_id", "ended_at", "id"]
    )
    isolate("ai_runs", app=ALL, system="SELECT (tenant_id, id, due_at)")
    for table in ("contact_facts", "session_summaries"):
        isolate(table, app=ALL)


def downgrade() -> None:
    for table in ("session_summaries", "contact_facts", "ai_runs"):
        op.drop_table(table)
    op.execute(f"REVOKE SELECT (summary_due_at) ON sessions FROM {SYSTEM}")
    op.drop_index("ix_sessions_summary_due", "sessions")
    op.drop_column("sessions", "summary_due_at")
    op.drop_column("sessions", "escalation")
    op.drop_column("agents", "ai")


def _create_runs() -> None:
    op.create_table(
        "ai_runs",
        *_key(),
        *(
            sa.Column(name, sa.Uuid(), nullable=name == "session_id")
            for name in (
                "project_id",
                "group_id",
                "chat_id",
                "channel_id",
                "contact_id",
                "session_id",
                "agent_id",
            )
        ),
        sa.Column("model", sa.Text()),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("cached_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_microusd", sa.BigInteger(), nullable=False),
        sa.Column("is_cost_known", sa.Boolean(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("step_count", sa.Integer(), nullable=False),
        sa.Column("steps", postgresql.JSONB(), nullable=False),
        sa.Column("tool_calls", postgresql.JSONB(), nullable=False),
        sa.Column("reply_count", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_keys(
            "ai_runs",
            cascading=("group_id",),
            project_id="projects",
            group_id="message_groups",
            agent_id="agents",
        ),
    )
    op.create_index("uq_ai_runs_group", "ai_runs", ["tenant_id", "group_id"], unique=True)
    op.create_index("ix_ai_runs_started", "ai_runs", ["tenant_id", "project_id", "started_at", "id"])
    op.create_index("ix_ai_runs_due", "ai_runs", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    op.create_index("ix_ai_runs_contact", "ai_runs", ["tenant_id", "contact_id", "started_at"])
    op.create_index("ix_ai_runs_session", "ai_runs", ["tenant_id", "session_id", "started_at"])


def _key() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
    )


def _keys(table: str, *, cascading: tuple[str, ...] = (), **parents: str) -> tuple[sa.schema.SchemaItem, ...]:
    """Return a table's primary key, its tenant, and its parents of the same tenant."""
    return (
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{table}"),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column],
                [f"{parent}.tenant_id", f"{parent}.id"],
                name=f"fk_{table}_tenant_id_{column}",
                ondelete="CASCADE" if column in cascading else None,
                deferrable=True,
                initially="DEFERRED",
            )
            for column, parent in parents.items()
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=f"fk_{table}_tenant_id",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
