"""What models learn from, and models."""

from sqlalchemy import JSON, Column, Float, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from db.schema.columns import Utc, identity, metadata

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
    identity(),
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
    identity(),
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
    identity(),
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

model = Table(
    "model",
    metadata,
    identity(),
    Column("name", String(64), nullable=False),
    Column("version", String(64), nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("card", JSON, nullable=False),
    Column("registered_at", Utc, nullable=False),
    Column("promoted_at", Utc),
    Column("promoted_by", Text),
)

comparison = Table(
    "comparison",
    metadata,
    identity(),
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
