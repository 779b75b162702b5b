"""Retraction: when and why a result was taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("retraction_reason", sa.String(length=32), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM delivery WHERE result_id IN (SELECT id FROM result WHERE kind = 'rejection')")
    op.execute("DELETE FROM result WHERE kind = 'rejection'")
    op.execute("DELETE FROM job WHERE kind = 'retract'")
    op.execute("UPDATE delivery SET state = 'withheld' WHERE state = 'withdrawn'")
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_column("retraction_reason")
        batch_op.drop_column("retracted_at")
