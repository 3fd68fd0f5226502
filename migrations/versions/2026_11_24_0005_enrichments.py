"""enrichments: What files and places say, as text."""

revision = "2026_11_24_0005"
down_revision = "2026_11_24_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
