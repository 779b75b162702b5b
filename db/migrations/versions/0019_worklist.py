"""The worklist: what it is asked for by has an index, and what was found a table of its own.

Studies from before get their sender and the name they are looked for by, and what was found in them.
"""

import sqlalchemy as sa
from alembic import op

from db.sought import sought

revision = "0019"
down_revision = "0013"
branch_labels = None
depends_on = None

AT_ONCE = 1000
INDEXES = (
    ("first_received_at", "id"),
    ("state", "first_received_at", "id"),
    ("calling_ae", "first_received_at", "id"),
    ("sought_name", "first_received_at", "id"),
    ("patient_id", "first_received_at", "id"),
)
STUDY = sa.table(
    "study",
    sa.column("id", sa.Integer),
    sa.column("patient_name", sa.Text),
    sa.column("sought_name", sa.Text),
    sa.column("calling_ae", sa.Text),
)
POSITIVE = sa.table(
    "positive",
    sa.column("study_id", sa.Integer),
    sa.column("finding", sa.Text),
    sa.column("probability", sa.Float),
    sa.column("received_at", sa.DateTime(timezone=True)),
)
SENDERS = sa.text(
    "UPDATE study SET calling_ae = coalesce((SELECT instance.calling_ae FROM instance "
    "WHERE instance.study_id = study.id ORDER BY instance.id LIMIT 1), '')"
)
READ = sa.text(
    "SELECT study.id, study.first_received_at, prediction.scores "
    "FROM result JOIN study ON study.id = result.study_id "
    "JOIN instance ON instance.study_id = study.id JOIN prediction ON prediction.instance_id = instance.id "
    "AND prediction.model_version = result.model_version "
    "WHERE result.kind = 'sr' AND result.revision = (SELECT max(last.revision) FROM result AS last "
    "WHERE last.study_id = study.id AND last.kind = 'sr') AND study.id > :after AND study.id <= :until"
).columns(id=sa.Integer, first_received_at=sa.DateTime(timezone=True), scores=sa.JSON)


def upgrade() -> None:
    """Rows are brought up in parts, so that a million of them do not have to lie in memory."""
    op.create_table(
        "unmasking",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("study_instance_uid", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["session.digest"], name=op.f("fk_unmasking_digest"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", "study_instance_uid", name=op.f("pk_unmasking")),
    )
    op.create_table(
        "positive",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_positive_study_id")),
        sa.PrimaryKeyConstraint("study_id", "finding", name=op.f("pk_positive")),
    )
    by_code_point = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("study", sa.Column("calling_ae", sa.String(length=16), nullable=False, server_default=sa.text("''")))
    op.add_column("study", sa.Column("sought_name", by_code_point, nullable=False, server_default=sa.text("''")))
    connection = op.get_bind()
    connection.execute(SENDERS)
    _name(connection)
    op.drop_index(op.f("ix_study_first_received_at"), "study")
    op.drop_index(op.f("ix_study_state"), "study")
    for columns in INDEXES:
        op.create_index(op.f(f"ix_study_{'_'.join(columns)}"), "study", list(columns))
    op.create_index(
        op.f("ix_positive_finding_received_at_study_id"), "positive", ["finding", "received_at", "study_id"]
    )
    _find(connection)


def downgrade() -> None:
    for columns in INDEXES:
        op.drop_index(op.f(f"ix_study_{'_'.join(columns)}"), "study")
    op.create_index(op.f("ix_study_state"), "study", ["state"])
    op.create_index(op.f("ix_study_first_received_at"), "study", ["first_received_at"])
    op.drop_column("study", "sought_name")
    op.drop_column("study", "calling_ae")
    op.drop_table("positive")
    op.drop_table("unmasking")


def _name(connection: sa.Connection) -> None:
    after = 0
    update = STUDY.update().where(STUDY.c.id == sa.bindparam("study_id")).values(sought_name=sa.bindparam("name"))
    query = sa.select(STUDY.c.id, STUDY.c.patient_name).order_by(STUDY.c.id).limit(AT_ONCE)
    while rows := connection.execute(query.where(STUDY.c.id > after)).all():
        connection.execute(update, [{"study_id": row.id, "name": sought(row.patient_name)} for row in rows])
        after = rows[-1].id


def _find(connection: sa.Connection) -> None:
    """What the model that read each study found in it: of several images the highest probability."""
    last = connection.execute(sa.select(sa.func.max(STUDY.c.id))).scalar() or 0
    for after in range(0, last, AT_ONCE):
        found: dict[tuple[int, str], dict[str, object]] = {}
        for study_id, received_at, scores in connection.execute(READ, {"after": after, "until": after + AT_ONCE}):
            for score in scores:
                name, probability = score["finding"], score["probability"]
                before = found.get((study_id, name), {"probability": -1.0})
                if score["operating_point"] <= probability > before["probability"]:
                    values = {"finding": name, "probability": probability, "received_at": received_at}
                    found[study_id, name] = {"study_id": study_id, **values}
        if found:
            connection.execute(POSITIVE.insert(), list(found.values()))
