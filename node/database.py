"""The node's database, opened as its settings say."""

from db.engine import Database, connect
from node.errors import SettingsError
from node.settings import DATABASE_FILE, Settings

RESTORING = "restoring"
"""A file in the data folder for as long as it is being restored; nothing works there meanwhile."""


def open_database(settings: Settings) -> Database:
    """The database of a node's settings; an SQLite file's folder is made if it is not there."""
    if (settings.data / RESTORING).exists():
        raise SettingsError(
            f"a restore into {settings.data} was not finished: run cxr restore again, with the same backup"
        )
    if settings.database.url is None:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (settings.data / DATABASE_FILE).touch(mode=0o600)
    return connect(settings.database_url)
