"""Absence: which files of the store are not there any more, since when and why."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("instance", "result"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("absence", sa.String(length=16), nullable=True))
            batch_op.add_column(sa.Column("absent_at", sa.DateTime(timezone=True), nullable=True))
            batch_op.create_index(batch_op.f(f"ix_{table}_absent_at"), ["absent_at"], unique=False)


def downgrade() -> None:
    """Rows whose file is gone are kept; without these columns they are known by the file that is not there."""
    op.execute("UPDATE instance SET reason = 'undecodable' WHERE reason IN ('damaged', 'removed')")
    for table in ("instance", "result"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_index(batch_op.f(f"ix_{table}_absent_at"))
            batch_op.drop_column("absent_at")
            batch_op.drop_column("absence")
