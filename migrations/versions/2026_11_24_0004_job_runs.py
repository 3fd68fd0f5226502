"""job runs: What workers did, for operators."""

revision = "2026_11_24_0004"
down_revision = "2026_11_24_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
