"""Whether the model in service can be loaded: who cannot load one reads nothing."""

from pathlib import Path

from db import models
from db.engine import Database
from db.errors import DatabaseError
from inference import bundle
from inference.errors import BundleError
from node.models import registry
from node.telemetry.readiness import Check


def model_is_whole(database: Database, data: Path, path: Path | None) -> Check:
    """The promoted model, or the one at `path`, is there, and its files are what they were."""

    def check() -> str | None:
        try:
            return _trouble(database, data, path)
        except DatabaseError:
            return "the database does not answer"
        except (BundleError, OSError):
            return "the model in service cannot be loaded; cxr models rollback takes the one before"

    return check


def _trouble(database: Database, data: Path, path: Path | None) -> str | None:
    if path is not None:
        bundle.load(path)
        return None
    with database.read() as connection:
        model = models.current(connection)
    if model is None:
        return "no model is promoted; cxr models list shows which there are"
    registry.bundle_of(model, data)
    return None
