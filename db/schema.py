"""The tables, as SQLAlchemy Core. `migrations/` builds them; a test holds the two together."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: it would be read back as another time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The same time, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _uid(name: str, **kwargs: Any) -> Column[str]:
    return Column(name, String(64), nullable=False, **kwargs)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _by_code_point() -> Text:
    """A text in whose index everything that begins alike lies together, whatever the database's language is."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows of which this is true: a query that is to use it says so in the same words."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


study = Table(
    "study",
    metadata,
    _id(),
    _uid("study_instance_uid", unique=True),
    Column("patient_id", Text, nullable=False),
    Column("patient_name", Text, nullable=False),
    Column("accession_number", Text, nullable=False, index=True),
    Column("study_date", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("settle_at", Utc),
    Column("first_received_at", Utc, nullable=False),
    Column("last_received_at", Utc, nullable=False),
    Column("calling_ae", String(16), nullable=False, server_default=text("''")),
    Column("sought_name", _by_code_point(), nullable=False, server_default=text("''")),
    Index(None, "first_received_at", "id"),
    Index(None, "state", "first_received_at", "id"),
    Index(None, "calling_ae", "first_received_at", "id"),
    Index(None, "sought_name", "first_received_at", "id"),
    Index(None, "patient_id", "first_received_at", "id"),
    _partial("ix_study_settle_at", "settle_at", where="settle_at IS NOT NULL"),
)
"""`calling_ae` sent its first instance; `sought_name` is the patient's name as people look for it."""

instance = Table(
    "instance",
    metadata,
    _id(),
    Column("study_id", ForeignKey("study.id"), nullable=False, index=True),
    _uid("sop_instance_uid"),
    _uid("sop_class_uid"),
    _uid("transfer_syntax_uid"),
    _uid("series_instance_uid"),
    Column("path", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("calling_ae", String(16), nullable=False),
    Column("calling_address", String(45), nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("reason", String(32)),
    Column("reason_detail", Text, nullable=False, default=""),
    Column("reason_tag", String(16)),
    Column("absence", String(16)),
    Column("absent_at", Utc),
    UniqueConstraint("sop_instance_uid", "sha256"),
    _partial("ix_instance_absence", "absence", "absent_at", where="absence IS NOT NULL"),
)

job = Table(
    "job",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),
    Column("key", String(200), nullable=False, unique=True),
    Column("subject_id", Integer, nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("destination", String(64)),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("postponed", Integer, nullable=False),
    Column("owner", String(128)),
    Column("lease_until", Utc),
    Column("not_before", Utc, nullable=False),
    Column("error_code", String(64)),
    Column("error", Text),
    Column("created_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Index(None, "state", "kind", "not_before"),
    Index(None, "state", "id"),
    _partial("ix_job_undone", "state", "kind", "not_before", where="state <> 'done'"),
)

prediction = Table(
    "prediction",
    metadata,
    _id(),
    Column("instance_id", ForeignKey("instance.id"), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("columns", Integer, nullable=False),
    Column("scores", JSON, nullable=False),
    Column("cam", LargeBinary, nullable=False),
    Column("cam_shape", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("instance_id", "model_version"),
)

positive = Table(
    "positive",
    metadata,
    Column("study_id", ForeignKey("study.id"), primary_key=True),
    Column("finding", String(32), primary_key=True),
    Column("probability", Float, nullable=False),
    Column("received_at", Utc, nullable=False),
    Index(None, "finding", "received_at", "study_id"),
)
"""What the model in service found in a study above its operating point; `received_at` is the study's, for its index."""

result = Table(
    "result",
    metadata,
    _id(),
    Column("job_id", ForeignKey("job.id"), nullable=False, index=True),
    Column("study_id", ForeignKey("study.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("model_version", String(64), nullable=False),
    _uid("sop_class_uid"),
    _uid("sop_instance_uid", unique=True),
    _uid("series_instance_uid"),
    Column("path", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("retracted_at", Utc),
    Column("retraction_reason", String(32)),
    Column("absence", String(16)),
    Column("absent_at", Utc),
    _partial("ix_result_absence", "absence", "absent_at", where="absence IS NOT NULL"),
)

delivery = Table(
    "delivery",
    metadata,
    _id(),
    Column("result_id", ForeignKey("result.id"), nullable=False),
    Column("destination", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("sent_at", Utc),
    Column("error", Text),
    Column("sop_class_uid", String(64)),
    Column("sop_instance_uid", String(64)),
    Column("transfer_syntax_uid", String(64)),
    Column("sha256", String(64)),
    Column("transaction_uid", String(64), index=True),
    Column("asked_at", Utc),
    Column("committed_at", Utc),
    Column("tries", Integer, nullable=False, server_default="0"),
    UniqueConstraint("result_id", "destination"),
    Index(None, "destination", "sent_at"),
    Index(None, "destination", "id"),
    Index(None, "destination", "state"),
    _partial(
        "ix_delivery_unsettled",
        "state",
        "destination",
        where="state IN ('waiting', 'asked', 'refused', 'lost', 'unconfirmed')",
    ),
)

commitment_request = Table(
    "commitment_request",
    metadata,
    _id(),
    _uid("transaction_uid"),
    Column("calling_ae", String(16), nullable=False),
    Column("references", JSON, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("answered_at", Utc),
    UniqueConstraint("calling_ae", "transaction_uid", name="uq_commitment_request_identity"),
)

trial = Table(
    "trial",
    metadata,
    _id(),
    _uid("transaction_uid", unique=True),
    Column("destination", String(64), nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("answered_at", Utc),
    Column("failed", JSON),
)

model = Table(
    "model",
    metadata,
    _id(),
    Column("name", String(64), nullable=False),
    Column("version", String(64), nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("card", JSON, nullable=False),
    Column("registered_at", Utc, nullable=False),
    Column("promoted_at", Utc),
    Column("promoted_by", Text),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Utc, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Index(None, "actor", "id"),
    Index(None, "action", "id"),
    Index(None, "subject", "id"),
)

audit_head = Table(
    "audit_head",
    metadata,
    _id(),  # one row, of number 1
    Column("last_id", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
)

message = Table(
    "message",
    metadata,
    _id(),
    Column("sending_application", Text, nullable=False),
    Column("sending_facility", Text, nullable=False),
    Column("control_id", Text, nullable=False),
    Column("message_type", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("peer_address", String(45), nullable=False),
    Column("answer", String(2), nullable=False),
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("sending_application", "sending_facility", "control_id", "sha256", name="uq_message_identity"),
)

report = Table(
    "report",
    metadata,
    _id(),
    Column("message_id", ForeignKey("message.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("report_key", Text, nullable=False),
    Column("accession_number", Text, nullable=False, index=True),
    Column("study_instance_uid", String(64), index=True),
    Column("patient_id", Text, nullable=False),
    Column("modality", String(16), nullable=False),
    Column("procedure", Text, nullable=False),
    Column("examination", String(32), nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("version_at", Utc, nullable=False),
    Column("message_at", Utc, nullable=False),
    Column("text", Text, nullable=False),
    Column("sections", JSON, nullable=False),
    Column("received_at", Utc, nullable=False),
    UniqueConstraint("message_id", "report_key"),
    Index(None, "source", "report_key"),
    Index(None, "patient_id"),
    Index(None, "version_at", "id"),
)

link = Table(
    "link",
    metadata,
    Column("report_id", ForeignKey("report.id"), primary_key=True),
    Column("study_id", ForeignKey("study.id"), primary_key=True, index=True),
    Column("by", String(16), nullable=False),
    Column("linked_at", Utc, nullable=False),
)

unlinked = Table("unlinked", metadata, Column("report_id", ForeignKey("report.id"), primary_key=True))
"""Report versions that no study is linked to, and now and then one that is: who asks looks at `link` as well."""

mining = Table(
    "mining",
    metadata,
    _id(),
    Column("report_id", ForeignKey("report.id"), nullable=False),
    Column("lexicon_version", String(32), nullable=False),
    Column("rules_version", String(32), nullable=False),
    Column("language_model", String(64), nullable=False),
    Column("policy", String(16), nullable=False),
    Column("readability", String(16), nullable=False),
    Column("normal", Boolean, nullable=False),
    Column("mined_at", Utc, nullable=False),
    UniqueConstraint(
        "report_id", "lexicon_version", "rules_version", "language_model", "policy", name="uq_mining_identity"
    ),
)

mention = Table(
    "mention",
    metadata,
    _id(),
    Column("mining_id", ForeignKey("mining.id"), nullable=False, index=True),
    Column("concept", Text, nullable=False),
    Column("code", String(32), nullable=False),
    Column("scheme", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("finding", String(32)),
    Column("assertion", String(16), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("section", String(16), nullable=False),
    Column("rule_id", String(64), nullable=False),
    Column("fired", JSON, nullable=False),
)

label = Table(
    "label",
    metadata,
    Column("mining_id", ForeignKey("mining.id"), primary_key=True),
    Column("finding", String(32), primary_key=True),
    Column("assertion", String(16), nullable=False),
    Column("mention_id", ForeignKey("mention.id"), nullable=False),
)

gold = Table(
    "gold",
    metadata,
    _id(),
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
    Column("states", Integer, index=True),
)
"""The labels in force of each report that counts, to be counted: see `db.standing`."""

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
    _id(),
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

frontal = Table(
    "frontal",
    metadata,
    Column("instance_id", ForeignKey("instance.id"), primary_key=True),
    Column("view", String(2), nullable=False),
    Column("collection", Text, nullable=False),
)

split = Table(
    "split",
    metadata,
    Column("patient", Text, primary_key=True),
    Column("split", String(16), nullable=False),
    Column("assigned_at", Utc, nullable=False),
)

true_box = Table(
    "true_box",
    metadata,
    _id(),
    Column("instance_id", ForeignKey("instance.id"), nullable=False, index=True),
    Column("finding", String(32), nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("width", Float, nullable=False),
    Column("height", Float, nullable=False),
    Column("origin", Text, nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    _id(),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("folder", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("images", JSON, nullable=False),
    Column("about", JSON, nullable=False),
)

training_run = Table(
    "training_run",
    metadata,
    _id(),
    Column("version", String(64), nullable=False, unique=True),
    Column("snapshot_id", ForeignKey("snapshot.id")),
    Column("wanted", JSON, nullable=False),
    Column("method", String(16), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("told", JSON, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("stopped_by", Text),
)
"""Trainings that were started here; whether one waits, runs or has ended is what its job says."""

comparison = Table(
    "comparison",
    metadata,
    _id(),
    Column("candidate", String(64), nullable=False),
    Column("current", String(64), nullable=False),
    Column("snapshot_id", ForeignKey("snapshot.id"), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("outcome", JSON(none_as_null=True)),
    UniqueConstraint("candidate", "current", "snapshot_id", name="uq_comparison_identity"),
)
"""Candidates beside the model that read then; asked once for each pair and snapshot."""

pull = Table(
    "pull",
    metadata,
    _id(),
    _uid("study_instance_uid"),
    Column("source", String(64), nullable=False),
    Column("begun_at", Utc, nullable=False),
    UniqueConstraint("study_instance_uid", "source", name="uq_pull_identity"),
)
"""Studies that are being brought in, or were when that broke off; the row goes when all is here."""

note = Table(
    "note",
    metadata,
    Column("name", Text, primary_key=True),
    Column("noted_at", Utc, nullable=False),
    Column("value", JSON, nullable=False),
)
"""What the node notes for itself: counts that take long."""

person = Table(
    "person",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("disabled_at", Utc),
    Column("last_login_at", Utc),
)
"""Who may log in to the console."""

identity = Table(
    "identity",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, unique=True),
)
"""Whom an identity provider means by a subject."""

session = Table(
    "session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("opened_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False, index=True),
)
"""Who is logged in; the token itself is in the browser alone."""

unmasking = Table(
    "unmasking",
    metadata,
    Column("digest", ForeignKey("session.digest", ondelete="CASCADE"), primary_key=True),
    Column("study_instance_uid", String(64), primary_key=True),
)
"""Whose name somebody who is logged in asked to see, where the console masks patients; it goes with the session."""

login_attempt = Table(
    "login_attempt",
    metadata,
    _id(),
    Column("name_digest", String(64), nullable=False),
    Column("address", String(45), nullable=False),
    Column("at", Utc, nullable=False, index=True),
    Index(None, "name_digest", "at"),
    Index(None, "address", "at"),
)
"""Passwords that were tried and not accepted. The name is a digest: people type their password there."""

api_token = Table(
    "api_token",
    metadata,
    _id(),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("expires_at", Utc),
    Column("revoked_at", Utc),
    Column("last_used_at", Utc),
)
"""What programs prove themselves with; the token itself is with whoever made it alone."""

process = Table(
    "process",
    metadata,
    Column("key", String(36), primary_key=True),
    Column("roles", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(64), nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("beat_at", Utc, nullable=False, index=True),
)
"""The processes of the node that are alive, or were a moment ago."""
