"""Which login at the identity provider a session is of, so that it can be ended there too."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", sa.Column("id_token", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("session", "id_token")
