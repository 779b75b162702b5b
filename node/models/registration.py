"""A bundle that training made, on its way into the registry."""

from datetime import datetime
from pathlib import Path

from db import audit, models
from db.engine import Database
from inference import admission, bundle
from inference.card import Card
from node.errors import SettingsError
from node.models import registry


def register(database: Database, source: Path, data: Path, *, by: str, now: datetime) -> tuple[Card, bool]:
    """Take a bundle into the data folder and enter it as a candidate. Returns its card, and whether it is new.

    A model that is registered already stays as it is; if its files are broken, they are put right.

    Raises:
        BundleError: the bundle may not serve.
        SettingsError: another model of its version is registered.
    """
    card = bundle.load(source).card
    with database.read() as connection:
        known = models.find(connection, card.version)
    if known is not None and registry.card_of(known) != card:
        raise SettingsError(f"another model of the version {card.version} is registered; give this one another version")
    admitted = admission.admit(source, data / registry.FOLDER)
    with database.write() as connection:
        new = registry.enter(connection, admitted, data, now)
        if new:
            audit.append(
                connection,
                actor=by,
                action="model.register",
                subject=card.version,
                now=now,
                detail={"files": dict(card.files)},
            )
    return card, new
