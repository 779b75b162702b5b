"""The model shipped with the node, on its way into the registry."""

from datetime import datetime
from pathlib import Path

from db import audit, models
from db.engine import Database
from inference import bundle
from inference.errors import BundleError
from node.models import registry


def install_starter(database: Database, data: Path, now: datetime) -> None:
    """Enter the model shipped with the node; on an empty registry it is the one that reads.

    Who installs the node puts the shipped model into service; every later one is promoted by hand. It is copied to
    the data folder, so that an upgrade of the node brings a new candidate and changes nothing of what reads. Where it
    is entered already, who writes is not waited for.
    """
    card = bundle.load(bundle.STARTER).card
    path = data / registry.FOLDER / card.version
    if path.exists() and _is_entered(database, card.version):
        return
    if not path.exists():
        try:
            bundle.write(path, card, {name: (bundle.STARTER / name).read_bytes() for name in card.files})
        except BundleError:
            if not path.exists():  # else another process, which starts at the same moment, was faster
                raise
    with database.write() as connection:
        registry.enter(connection, bundle.Bundle(path=path, card=card), data, now)
        if models.current(connection) is None:
            models.promote(connection, card.version, by="installation", now=now)
            audit.append(connection, actor="installation", action="model.promote", subject=card.version, now=now)


def _is_entered(database: Database, version: str) -> bool:
    with database.read() as connection:
        return models.find(connection, version) is not None and models.current(connection) is not None
