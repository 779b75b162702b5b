"""The last entry of the audit log, kept beside it: without it nobody could tell that the end of the log is missing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    # The entries have been a chain from the first on. They are not chained anew: that would hide what was changed.
    op.execute("INSERT INTO audit_head (id, last_id, digest) SELECT 1, id, digest FROM audit ORDER BY id DESC LIMIT 1")


def downgrade() -> None:
    op.drop_table("audit_head")
