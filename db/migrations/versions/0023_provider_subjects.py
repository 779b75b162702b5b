"""Whom an identity provider means."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_subject",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_provider_subject_person_id")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_provider_subject")),
        sa.UniqueConstraint("person_id", name=op.f("uq_provider_subject_person_id")),
    )


def downgrade() -> None:
    op.drop_table("provider_subject")
