"""Reports as they came, the studies they are of, and what was mined from them."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from db.schema.columns import Utc, identity, metadata

message = Table(
    "message",
    metadata,
    identity(),
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
    identity(),
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
    identity(),
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
    identity(),
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
