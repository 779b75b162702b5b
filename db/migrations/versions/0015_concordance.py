"""What model and reports say of each finding of a study, and how often they agree.

The rows of the studies that are here come from the node itself, some hundred at a time beside its work.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0021"
branch_labels = None
depends_on = None

WEIGHTY = sa.text("rank IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "concordance",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("operating_point", sa.Float(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        sa.Column("sender", sa.String(length=16), nullable=False),
        sa.Column("view", sa.String(length=2), nullable=False),
        sa.Column("rank", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_concordance_study_id")),
        sa.PrimaryKeyConstraint("study_id", "finding", name=op.f("pk_concordance")),
    )
    op.create_index(
        op.f("ix_concordance_rank"),
        "concordance",
        ["rank", "study_id", "finding"],
        sqlite_where=WEIGHTY,
        postgresql_where=WEIGHTY,
    )
    op.create_table(
        "concordance_count",
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=16), nullable=False),
        sa.Column("view", sa.String(length=2), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "week",
            "finding",
            "model_version",
            "sender",
            "view",
            "present",
            "reported",
            name=op.f("pk_concordance_count"),
        ),
    )


def downgrade() -> None:
    op.drop_table("concordance_count")
    op.drop_index(op.f("ix_concordance_rank"), "concordance")
    op.drop_table("concordance")
