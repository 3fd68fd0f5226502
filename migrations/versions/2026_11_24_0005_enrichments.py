"""enrichments: What files say, as text, and what finding it out costs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.isolation import isolate

revision = "2026_11_24_0005"
down_revision = "2026_11_24_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _enrichments()
    _results()
    _usage()
    op.add_column(
        "channels",
        sa.Column("enrichment", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")),
    )
    op.alter_column("channels", "enrichment", server_default=None)
    op.add_column("projects", sa.Column("ai_daily_budget_microusd", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("projects", "ai_daily_budget_microusd")
    op.drop_column("channels", "enrichment")
    op.drop_table("ai_usage")
    op.drop_table("enrichment_results")
    op.drop_table("enrichments")


def _enrichments() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "enrichments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("provider", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("text", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("is_cached", sa.Boolean(), nullable=False),
        sa.Column("cost_microusd", sa.BigInteger()),
        sa.Column("duration_ms", sa.Integer()),
        sa.Column("requested_at", instant, nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", instant),
        sa.Column("token", sa.Uuid()),
        sa.Column("error", sa.Text()),
        sa.Column("settled_at", instant),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_enrichments"),
        _belongs("enrichments", "project_id", "projects"),
        _belongs("enrichments", "message_id", "messages", ondelete="CASCADE"),
        _tenant("enrichments"),
    )
    op.create_index("uq_enrichments_message", "enrichments", ["tenant_id", "message_id", "type"], unique=True)
    op.create_index("ix_enrichments_media", "enrichments", ["tenant_id", "media_id"])
    op.create_index(
        "ix_enrichments_due",
        "enrichments",
        ["type", sa.text("priority DESC"), "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    isolate(
        "enrichments",
        app="SELECT, INSERT, UPDATE",
        system="SELECT (tenant_id, id, type, priority, due_at)",
    )
    op.execute(
        "ALTER TABLE enrichments SET (autovacuum_vacuum_scale_factor = 0.01, "
        "autovacuum_analyze_scale_factor = 0.01)"
    )


def _results() -> None:
    op.create_table(
        "enrichment_results",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text()),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "sha256", "type", "provider", "model", "asked", name="pk_enrichment_results"
        ),
        _tenant("enrichment_results"),
    )
    isolate("enrichment_results", app="SELECT, INSERT")


def _usage() -> None:
    op.create_table(
        "ai_usage",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("cost_microusd", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "project_id", "day", "purpose", name="pk_ai_usage"),
        _belongs("ai_usage", "project_id", "projects"),
        _tenant("ai_usage"),
    )
    isolate("ai_usage", app="SELECT, INSERT, UPDATE")


def _belongs(table: str, column: str, parent: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{parent}.tenant_id", f"{parent}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete=ondelete,
        deferrable=True,
        initially="DEFERRED",
    )


def _tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenants.id"], name=f"fk_{table}_tenant_id", deferrable=True, initially="DEFERRED"
    )
