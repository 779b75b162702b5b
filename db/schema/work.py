"""What there is to do, and who is there to do it."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from db.schema.columns import Utc, identity, metadata, partial

job = Table(
    "job",
    metadata,
    identity(),
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
    partial("ix_job_undone", "state", "kind", "not_before", where="state <> 'done'"),
)

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

note = Table(
    "note",
    metadata,
    Column("name", Text, primary_key=True),
    Column("noted_at", Utc, nullable=False),
    Column("value", JSON, nullable=False),
)
"""What the node notes for itself: counts that take long."""
