"""The registered models as bundles: whatever loads one makes sure that it is the one that was registered."""

import json
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from db import models
from db.engine import Connection
from db.learning_records import Model
from inference import bundle
from inference.bundle import Bundle
from inference.card import Card
from inference.errors import BundleError

FOLDER = "models"
"""Of the data folder: where the registered bundles lie."""


def bundle_of(model: Model, data: Path) -> Bundle:
    """A registered model's bundle, checked. `data` is the data folder, wherever it lies by now.

    Its own card lists the hashes of the other files, the registry has the card: nothing in it can be another's.

    Raises:
        BundleError: it is not there, not whole, or not what was registered.
    """
    found = bundle.load(data / model.path)
    if found.card.version != model.version:
        raise BundleError(f"The bundle of {model.version} holds {found.card.version}, which was not registered so.")
    if found.card != card_of(model):
        raise BundleError(f"The card in the bundle of {model.version} is not the one that was registered.")
    return found


def card_of(model: Model) -> Card:
    """What was registered.

    Raises:
        BundleError: this version of the node does not understand it.
    """
    try:
        return Card.model_validate_json(json.dumps(model.card))  # as JSON, in which a tuple is a list
    except ValidationError as error:
        raise BundleError(
            f"The registered card of {model.version} is not one this version of the node knows."
        ) from error


def enter(connection: Connection, admitted: Bundle, data: Path, now: datetime) -> bool:
    """Write the row of a bundle that lies in the data folder, where it is to stay. Returns whether it is new."""
    return models.register(
        connection,
        name=admitted.card.name,
        version=admitted.card.version,
        path=admitted.path.relative_to(data).as_posix(),
        card=admitted.card.model_dump(mode="json"),
        now=now,
    )
