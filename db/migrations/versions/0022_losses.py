"""Losses that a person accepted: a word more for where a file went."""

from alembic import op

revision = "0022"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No column is new."""


def downgrade() -> None:
    """To an older node a file that is lost is missing."""
    op.execute("UPDATE instance SET reason = 'damaged' WHERE reason = 'lost'")
    op.execute("UPDATE instance SET absence = 'missing' WHERE absence = 'lost'")
    op.execute("UPDATE result SET absence = 'missing' WHERE absence = 'lost'")
