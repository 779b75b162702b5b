"""A model's path is relative to the data folder, which may then be moved."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

MODEL = sa.table("model", sa.column("id", sa.Integer), sa.column("version", sa.Text), sa.column("path", sa.Text))


def upgrade() -> None:
    """Every model was copied to <data folder>/models/<version> before it was entered; the database knows no more."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(MODEL)).all():
        within = f"models/{row.version}"
        if row.path.endswith(f"/{within}"):
            connection.execute(sa.update(MODEL).where(MODEL.c.id == row.id).values(path=within))


def downgrade() -> None:
    """Paths stay: what the data folder is, the database does not know. An older node serves them from inside it."""
