"""Studies whose patients somebody asked to see, where the console masks them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unmasking",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["session.digest"], name=op.f("fk_unmasking_digest"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", "study_instance_uid", name=op.f("pk_unmasking")),
    )


def downgrade() -> None:
    op.drop_table("unmasking")
