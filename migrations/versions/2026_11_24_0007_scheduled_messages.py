"""scheduled messages: What is to be sent later, and when it is due."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.isolation import isolate

revision = "2026_11_24_0007"
down_revision = "2026_11_24_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "scheduled_messages",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("chat_id", sa.Uuid()),
        sa.Column("to", sa.Text()),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("reply_to_external_id", sa.Text()),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("client_message_id", sa.Text()),
        sa.Column("send_at", instant, nullable=False),
        sa.Column("late", sa.Text(), nullable=False),
        sa.Column("expires_after_seconds", sa.Integer()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("due_at", instant),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("settled_at", instant),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_scheduled_messages"),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column],
                [f"{parent}.tenant_id", f"{parent}.id"],
                name=f"fk_scheduled_messages_tenant_id_{column}",
                deferrable=True,
                initially="DEFERRED",
            )
            for column, parent in (
                ("project_id", "projects"),
                ("channel_id", "channels"),
                ("chat_id", "chats"),
                ("api_key_id", "api_keys"),
                ("agent_id", "agents"),
            )
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenants.id"],
            name="fk_scheduled_messages_tenant_id",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index(
        "uq_scheduled_messages_client_message_id",
        "scheduled_messages",
        ["tenant_id", "project_id", "client_message_id"],
        unique=True,
        postgresql_where=sa.text("client_message_id IS NOT NULL"),
    )
    op.create_index(
        "ix_scheduled_messages_due",
        "scheduled_messages",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_scheduled_messages_waiting",
        "scheduled_messages",
        ["tenant_id", "chat_id", "to", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_scheduled_messages_send", "scheduled_messages", ["tenant_id", "project_id", "send_at", "id"]
    )
    op.create_index(
        "ix_scheduled_messages_chat", "scheduled_messages", ["tenant_id", "chat_id", "send_at", "id"]
    )
    isolate(
        "scheduled_messages",
        app="SELECT, INSERT, UPDATE, DELETE",
        system="SELECT (tenant_id, id, due_at)",
    )


def downgrade() -> None:
    op.drop_table("scheduled_messages")
