"""Result objects on their way to destinations, and what is asked and said of commitment."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from db.schema.columns import Utc, identity, metadata, partial, uid

result = Table(
    "result",
    metadata,
    identity(),
    Column("job_id", ForeignKey("job.id"), nullable=False, index=True),
    Column("study_id", ForeignKey("study.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("model_version", String(64), nullable=False),
    uid("sop_class_uid"),
    uid("sop_instance_uid", unique=True),
    uid("series_instance_uid"),
    Column("path", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("retracted_at", Utc),
    Column("retraction_reason", String(32)),
    Column("absence", String(16)),
    Column("absent_at", Utc),
    partial("ix_result_absence", "absence", "absent_at", where="absence IS NOT NULL"),
)

delivery = Table(
    "delivery",
    metadata,
    identity(),
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
    partial(
        "ix_delivery_unsettled",
        "state",
        "destination",
        where="state IN ('waiting', 'asked', 'refused', 'lost', 'unconfirmed')",
    ),
)

commitment_request = Table(
    "commitment_request",
    metadata,
    identity(),
    uid("transaction_uid"),
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
    identity(),
    uid("transaction_uid", unique=True),
    Column("destination", String(64), nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("answered_at", Utc),
    Column("failed", JSON),
)
