"""What training needs: frontal images, the split of the patients, radiologists' boxes, and the snapshots made."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "frontal",
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("view", sa.String(length=2), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_frontal_instance_id")),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_frontal")),
    )

    op.create_table(
        "split",
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("split", sa.String(length=16), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("patient", name=op.f("pk_split")),
    )

    op.create_table(
        "true_box",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("x", sa.Float(), nullable=False),
        sa.Column("y", sa.Float(), nullable=False),
        sa.Column("width", sa.Float(), nullable=False),
        sa.Column("height", sa.Float(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_true_box_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_true_box")),
    )
    with op.batch_alter_table("true_box", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_true_box_instance_id"), ["instance_id"], unique=False)

    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("images", sa.JSON(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("sha256", name=op.f("uq_snapshot_sha256")),
    )


def downgrade() -> None:
    op.execute("UPDATE study SET state = 'not_read' WHERE state = 'kept'")
    for name in ("snapshot", "true_box", "split", "frontal"):
        op.drop_table(name)
