"""Labels: what people said, those in force, and how model and reports agree."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from db.schema.columns import Utc, identity, metadata

gold = Table(
    "gold",
    metadata,
    identity(),
    Column("study_id", ForeignKey("study.id"), index=True),
    Column("report_id", ForeignKey("report.id"), index=True),
    Column("finding", String(32), nullable=False),
    Column("assertion", String(16), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("taken_back_at", Utc),
    Column("taken_back_by", Text),
    CheckConstraint("(study_id IS NULL) <> (report_id IS NULL)", name="of_one_thing"),
)

standing = Table(
    "standing",
    metadata,
    Column("report_id", ForeignKey("report.id"), primary_key=True),
    Column("version_at", Utc, nullable=False),
    Column("states", Integer),
)
"""The labels in force of each report that counts: see `db.standing`."""

standing_count = Table(
    "standing_count",
    metadata,
    Column("states", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
)
"""How many reports say the same."""

standing_label = Table(
    "standing_label",
    metadata,
    Column("finding", String(32), primary_key=True),
    Column("assertion", String(16), primary_key=True),
    Column("version_at", Utc, primary_key=True),
    Column("report_id", ForeignKey("report.id"), primary_key=True),
)
"""The same, a row for each label, to be looked for."""

lexicon_trial = Table(
    "lexicon_trial",
    metadata,
    identity(),
    Column("file", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("error", Text),
    Column("outcome", JSON),
)
"""What another file of the lexicon or of the rules would change, of the newest reports."""

concordance = Table(
    "concordance",
    metadata,
    Column("study_id", ForeignKey("study.id"), primary_key=True),
    Column("finding", String(32), primary_key=True),
    Column("model_version", String(64), nullable=False),
    Column("read_at", Utc, nullable=False),
    Column("probability", Float, nullable=False),
    Column("operating_point", Float, nullable=False),
    Column("reported", Boolean, nullable=False),
    Column("by_person", Boolean, nullable=False),
    Column("repeated", Boolean, nullable=False),
    Column("sender", String(16), nullable=False),
    Column("view", String(2), nullable=False),
    Column("rank", Float),
)
"""What the model and the reports of a study say of a finding; `rank` where they differ and nobody has judged."""
Index(
    "ix_concordance_rank",
    concordance.c.rank,
    concordance.c.study_id,
    concordance.c.finding,
    sqlite_where=concordance.c.rank.is_not(None),
    postgresql_where=concordance.c.rank.is_not(None),
)

concordance_count = Table(
    "concordance_count",
    metadata,
    Column("week", Date, primary_key=True),
    Column("finding", String(32), primary_key=True),
    Column("model_version", String(64), primary_key=True),
    Column("sender", String(16), primary_key=True),
    Column("view", String(2), primary_key=True),
    Column("present", Boolean, primary_key=True),
    Column("reported", Boolean, primary_key=True),
    Column("number", Integer, nullable=False),
)
"""The same, counted by week of reading; reports that came after the result are left out."""
