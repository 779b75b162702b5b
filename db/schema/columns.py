"""What the tables are made of: columns that many have, and how keys and indexes are named."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, Index, Integer, MetaData, String, Text, TypeDecorator, text

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


def uid(name: str, **kwargs: Any) -> Column[str]:
    """A UID, of 64 characters at the most (DICOM PS3.5 9.1)."""
    return Column(name, String(64), nullable=False, **kwargs)


def identity() -> Column[int]:
    """The number that the database gives a row."""
    return Column("id", Integer, primary_key=True)


def by_code_point() -> Text:
    """A text in whose index everything that begins alike lies together, whatever the database's language is."""
    return Text().with_variant(Text(collation="C"), "postgresql")


def partial(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows of which this is true: a query that is to use it says so in the same words."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))
