"""What was done to a study is found without reading the whole audit log: each look at a patient's data is in it."""

from alembic import op

revision = "0014"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_audit_subject_action"), "audit", ["subject", "action"])


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_subject_action"), table_name="audit")
