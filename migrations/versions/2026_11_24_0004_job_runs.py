"""job runs: What workers did, for operators."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.isolation import APP, SYSTEM, isolate

revision = "2026_11_24_0004"
down_revision = "2026_11_24_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_runs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("is_cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wait_ms", sa.Integer(), nullable=True),
        sa.Column("run_ms", sa.Integer(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("retried_from_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name=op.f("fk_job_runs_tenant_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_job_runs")),
    )
    op.create_index("ix_job_runs_started", "job_runs", ["tenant_id", "started_at", "id"])
    op.create_index("ix_job_runs_enqueued", "job_runs", ["tenant_id", "enqueued_at", "id"])
    op.create_index(
        "ix_job_runs_unsettled",
        "job_runs",
        ["status", "updated_at"],
        postgresql_where=sa.text("status IN ('QUEUED', 'RUNNING', 'RETRYING')"),
    )
    op.create_index(
        "ix_job_runs_failed",
        "job_runs",
        ["tenant_id", "finished_at"],
        postgresql_where=sa.text("status = 'FAILED'"),
    )
    op.create_index(
        "ix_job_runs_finished",
        "job_runs",
        ["status", "finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    isolate("job_runs", app="SELECT, INSERT, UPDATE", system="SELECT, INSERT, UPDATE, DELETE")
    # Every run is written and, if it takes long, written again.
    op.execute("ALTER TABLE job_runs SET (autovacuum_vacuum_scale_factor = 0.02)")


def downgrade() -> None:
    for policy, role in (("tenant_isolation", APP), ("system_work", SYSTEM)):
        op.execute(f"DROP POLICY {policy} ON job_runs")
        op.execute(f"REVOKE ALL ON job_runs FROM {role}")
    op.drop_table("job_runs")
