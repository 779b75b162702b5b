"""The labels in force of each report, written down; people's labels can be taken back; trials of a lexicon.

The rows of the reports that are here come from the node itself, some hundred at a time beside its work.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gold", sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("gold", sa.Column("taken_back_by", sa.Text(), nullable=True))
    op.create_index(op.f("ix_report_patient_id"), "report", ["patient_id"])
    op.create_index(op.f("ix_report_version_at_id"), "report", ["version_at", "id"])
    op.create_table(
        "standing",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("version_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("states", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_standing_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_standing")),
    )
    op.create_index(op.f("ix_standing_states"), "standing", ["states"])
    op.create_table(
        "standing_label",
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("assertion", sa.String(length=16), nullable=False),
        sa.Column("version_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_standing_label_report_id")),
        sa.PrimaryKeyConstraint("finding", "assertion", "version_at", "report_id", name=op.f("pk_standing_label")),
    )
    op.create_table(
        "lexicon_trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lexicon_trial")),
    )


def downgrade() -> None:
    """To an older node a label that was taken back is a label as any other."""
    op.drop_table("lexicon_trial")
    op.drop_table("standing_label")
    op.drop_table("standing")
    op.drop_index(op.f("ix_report_version_at_id"), "report")
    op.drop_index(op.f("ix_report_patient_id"), "report")
    op.drop_column("gold", "taken_back_by")
    op.drop_column("gold", "taken_back_at")
