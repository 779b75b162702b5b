"""The node's database, opened as its settings say."""

from db.engine import Database, connect
from node.settings import DATABASE_FILE, Settings


def open_database(settings: Settings) -> Database:
    """The database of a node's settings; an SQLite file's folder is made if it is not there."""
    if settings.database.url is None:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (settings.data / DATABASE_FILE).touch(mode=0o600)
    return connect(settings.database_url)
