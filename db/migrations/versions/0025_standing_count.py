"""How many reports say the same, kept as they change, so that nobody has to group a million rows."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "standing_count",
        sa.Column("states", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("states", name=op.f("pk_standing_count")),
    )
    op.execute(
        "INSERT INTO standing_count (states, number) SELECT coalesce(states, -1), count(*) FROM standing "
        "GROUP BY coalesce(states, -1)"
    )
    op.drop_index(op.f("ix_standing_states"), "standing")


def downgrade() -> None:
    op.create_index(op.f("ix_standing_states"), "standing", ["states"])
    op.drop_table("standing_count")
