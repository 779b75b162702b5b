"""Tokens of programs, processes that are alive, and what the pages of the system look up: the audit log, deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
    )
    op.create_index(op.f("ix_api_token_person_id"), "api_token", ["person_id"])
    op.create_table(
        "process",
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_process")),
    )
    op.create_index(op.f("ix_process_beat_at"), "process", ["beat_at"])
    for name in ("actor", "action", "subject"):
        op.create_index(op.f(f"ix_audit_{name}_id"), "audit", [name, "id"])
    op.create_index(op.f("ix_job_state_id"), "job", ["state", "id"])
    op.create_index(op.f("ix_delivery_destination_sent_at"), "delivery", ["destination", "sent_at"])
    op.create_index(op.f("ix_delivery_destination_id"), "delivery", ["destination", "id"])
    op.drop_index(op.f("ix_delivery_destination"), "delivery")


def downgrade() -> None:
    op.create_index(op.f("ix_delivery_destination"), "delivery", ["destination"])
    op.drop_index(op.f("ix_delivery_destination_id"), "delivery")
    op.drop_index(op.f("ix_delivery_destination_sent_at"), "delivery")
    op.drop_index(op.f("ix_job_state_id"), "job")
    for name in ("actor", "action", "subject"):
        op.drop_index(op.f(f"ix_audit_{name}_id"), "audit")
    op.drop_table("process")
    op.drop_table("api_token")
