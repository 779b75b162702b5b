"""What is few among many: indexes of the rows that are sought, reports without a study, and notes."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

FEW = {
    "ix_study_settle_at": ("study", ["settle_at"], "settle_at IS NOT NULL"),
    "ix_instance_absence": ("instance", ["absence", "absent_at"], "absence IS NOT NULL"),
    "ix_result_absence": ("result", ["absence", "absent_at"], "absence IS NOT NULL"),
    "ix_job_undone": ("job", ["state", "kind", "not_before"], "state <> 'done'"),
    "ix_delivery_unsettled": (
        "delivery",
        ["state", "destination"],
        "state IN ('waiting', 'asked', 'refused', 'lost', 'unconfirmed')",
    ),
}
BEFORE = {
    "ix_study_settle_at": ("study", ["settle_at"]),
    "ix_instance_absent_at": ("instance", ["absent_at"]),
    "ix_result_absent_at": ("result", ["absent_at"]),
    "ix_delivery_state": ("delivery", ["state"]),
}


def upgrade() -> None:
    for name, (table, _) in BEFORE.items():
        op.drop_index(name, table)
    for name, (table, columns, where) in FEW.items():
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index("ix_delivery_destination_state", "delivery", ["destination", "state"])
    op.create_table(
        "unlinked",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name="fk_unlinked_report_id"),
        sa.PrimaryKeyConstraint("report_id", name="pk_unlinked"),
    )
    op.execute(
        "INSERT INTO unlinked SELECT id FROM report"
        " WHERE NOT EXISTS (SELECT 1 FROM link WHERE link.report_id = report.id)"
    )
    op.create_table(
        "note",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_note"),
    )


def downgrade() -> None:
    op.drop_table("note")
    op.drop_table("unlinked")
    op.drop_index("ix_delivery_destination_state", "delivery")
    for name, (table, *_) in FEW.items():
        op.drop_index(name, table)
    for name, (table, columns) in BEFORE.items():
        op.create_index(name, table, columns)
