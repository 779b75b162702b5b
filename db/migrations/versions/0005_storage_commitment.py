"""Storage commitment: how each delivery was sent and what came of asking, and what modalities ask."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AS_SENT = ("sop_class_uid", "sop_instance_uid", "transfer_syntax_uid", "sha256", "transaction_uid")
TIMES = ("asked_at", "committed_at")


def upgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        for name in AS_SENT:
            batch_op.add_column(sa.Column(name, sa.String(length=64), nullable=True))
        for name in TIMES:
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index(batch_op.f("ix_delivery_transaction_uid"), ["transaction_uid"], unique=False)

    op.create_table(
        "commitment_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", sa.String(length=64), nullable=False),
        sa.Column("calling_ae", sa.String(length=16), nullable=False),
        sa.Column("references", sa.JSON(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitment_request")),
        sa.UniqueConstraint("calling_ae", "transaction_uid", name=op.f("uq_commitment_request_identity")),
    )

    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", sa.String(length=64), nullable=False),
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trial")),
        sa.UniqueConstraint("transaction_uid", name=op.f("uq_trial_transaction_uid")),
    )


def downgrade() -> None:
    op.drop_table("trial")
    op.drop_table("commitment_request")
    op.execute("DELETE FROM job WHERE kind = 'commit'")
    op.execute("DELETE FROM delivery WHERE state = 'withheld'")
    op.execute("UPDATE delivery SET state = 'sent' WHERE state IN ('asked', 'committed', 'unconfirmed')")
    op.execute("UPDATE delivery SET state = 'refused' WHERE state = 'lost'")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_transaction_uid"))
        for name in ("tries", *TIMES, *AS_SENT):
            batch_op.drop_column(name)
