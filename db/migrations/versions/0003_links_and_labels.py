"""Reports linked to studies, what mining made of them, and people's corrections; a job's subject is of any table."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_study_id"))
        batch_op.drop_constraint(batch_op.f("fk_job_study_id"), type_="foreignkey")
        batch_op.alter_column("study_id", new_column_name="subject_id")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_subject_id"), ["subject_id"], unique=False)

    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("modality", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("procedure", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("examination", sa.String(length=32), nullable=True))
    op.execute(
        "UPDATE report SET modality = '', procedure = '', examination = 'unknown', source = "
        "(SELECT sending_facility FROM message WHERE message.id = report.message_id)"
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        for name, kind in (
            ("source", sa.Text()),
            ("modality", sa.String(length=16)),
            ("procedure", sa.Text()),
            ("examination", sa.String(length=32)),
        ):
            batch_op.alter_column(name, existing_type=kind, nullable=False)
        batch_op.create_index(batch_op.f("ix_report_source_report_key"), ["source", "report_key"], unique=False)

    op.create_table(
        "link",
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=16), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_link_report_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_link_study_id")),
        sa.PrimaryKeyConstraint("report_id", "study_id", name=op.f("pk_link")),
    )
    with op.batch_alter_table("link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_link_study_id"), ["study_id"], unique=False)

    op.create_table(
        "mining",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=False),
        sa.Column("lexicon_version", sa.String(length=32), nullable=False),
        sa.Column("rules_version", sa.String(length=32), nullable=False),
        sa.Column("language_model", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("readability", sa.String(length=16), nullable=False),
        sa.Column("normal", sa.Boolean(), nullable=False),
        sa.Column("mined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_mining_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mining")),
        sa.UniqueConstraint(
            "report_id", "lexicon_version", "rules_version", "language_model", "policy", name="uq_mining_identity"
        ),
    )

    op.create_table(
        "mention",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mining_id", sa.Integer(), nullable=False),
        sa.Column("concept", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("scheme", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("finding", sa.String(length=32), nullable=True),
        sa.Column("assertion", sa.String(length=16), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(length=16), nullable=False),
        sa.Column("rule_id", sa.String(length=64), nullable=False),
        sa.Column("fired", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["mining_id"], ["mining.id"], name=op.f("fk_mention_mining_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention")),
    )
    with op.batch_alter_table("mention", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mention_mining_id"), ["mining_id"], unique=False)

    op.create_table(
        "label",
        sa.Column("mining_id", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("assertion", sa.String(length=16), nullable=False),
        sa.Column("mention_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mention.id"], name=op.f("fk_label_mention_id")),
        sa.ForeignKeyConstraint(["mining_id"], ["mining.id"], name=op.f("fk_label_mining_id")),
        sa.PrimaryKeyConstraint("mining_id", "finding", name=op.f("pk_label")),
    )

    op.create_table(
        "gold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=True),
        sa.Column("report_id", sa.Integer(), nullable=True),
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("assertion", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(study_id IS NULL) <> (report_id IS NULL)", name=op.f("ck_gold_of_one_thing")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_gold_report_id")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_gold_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gold")),
    )
    with op.batch_alter_table("gold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_gold_report_id"), ["report_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_gold_study_id"), ["study_id"], unique=False)


def downgrade() -> None:
    for name in ("gold", "label", "mention", "mining", "link"):
        op.drop_table(name)
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_source_report_key"))
        for name in ("examination", "procedure", "modality", "source"):
            batch_op.drop_column(name)
    op.execute("DELETE FROM job WHERE kind = 'mine'")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_subject_id"))
        batch_op.alter_column("subject_id", new_column_name="study_id")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_foreign_key(batch_op.f("fk_job_study_id"), "study", ["study_id"], ["id"])
        batch_op.create_index(batch_op.f("ix_job_study_id"), ["study_id"], unique=False)
