"""Studies, their instances, and what models said of these."""

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from db.schema.columns import Utc, by_code_point, identity, metadata, partial, uid

study = Table(
    "study",
    metadata,
    identity(),
    uid("study_instance_uid", unique=True),
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
    Column("sought_name", by_code_point(), nullable=False, server_default=text("''")),
    Index(None, "first_received_at", "id"),
    Index(None, "state", "first_received_at", "id"),
    Index(None, "calling_ae", "first_received_at", "id"),
    Index(None, "sought_name", "first_received_at", "id"),
    Index(None, "patient_id", "first_received_at", "id"),
    partial("ix_study_settle_at", "settle_at", where="settle_at IS NOT NULL"),
)
"""`calling_ae` sent its first instance; `sought_name` is the patient's name as people look for it."""

instance = Table(
    "instance",
    metadata,
    identity(),
    Column("study_id", ForeignKey("study.id"), nullable=False, index=True),
    uid("sop_instance_uid"),
    uid("sop_class_uid"),
    uid("transfer_syntax_uid"),
    uid("series_instance_uid"),
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
    partial("ix_instance_absence", "absence", "absent_at", where="absence IS NOT NULL"),
)

prediction = Table(
    "prediction",
    metadata,
    identity(),
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

pull = Table(
    "pull",
    metadata,
    identity(),
    uid("study_instance_uid"),
    Column("source", String(64), nullable=False),
    Column("begun_at", Utc, nullable=False),
    UniqueConstraint("study_instance_uid", "source", name="uq_pull_identity"),
)
"""Studies that are being brought in, or were when that broke off; the row goes when all is here."""
