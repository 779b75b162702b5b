"""Who may come in, who did, and who did what."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text

from db.schema.columns import Utc, identity, metadata

person = Table(
    "person",
    metadata,
    identity(),
    Column("name", String(64), nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("disabled_at", Utc),
    Column("last_login_at", Utc),
)
"""Who may log in to the console."""

provider_subject = Table(
    "provider_subject",
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
    Column("id_token", Text),
)
"""Who is logged in; the token itself is in the browser alone. `id_token` is of who the provider let in."""

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
    identity(),
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
    identity(),
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

audit = Table(
    "audit",
    metadata,
    identity(),
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
    identity(),  # one row, of number 1
    Column("last_id", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
)
