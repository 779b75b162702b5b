"""INSERT ... ON CONFLICT: a row that may be there already.

Both databases have it and the SQL standard has not, so SQLAlchemy has an INSERT that can say it for each of them.
"""

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT into the table that can say what becomes of the row that is there, for the dialect of this name."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
