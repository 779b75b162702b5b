"""Whether the model in service can be loaded: who cannot load one reads nothing."""

from dataclasses import dataclass
from pathlib import Path

from db import models
from db.engine import Database
from db.errors import DatabaseError
from db.learning_records import Model
from inference import bundle
from inference.errors import BundleError
from node.models import registry
from node.telemetry.readiness import Check

NONE = "no model is promoted; cxr models list shows which there are"

Seen = tuple[Model | None, frozenset[tuple[str, int, int]]]
"""A registered model, and name, bytes and time (ns) of each file of its bundle."""


def model_is_whole(database: Database, data: Path, path: Path | None) -> Check:
    """The promoted model, or the one at `path`, is there, and its files are what they were.

    Machines ask every few seconds: files are read again only where another model, name, size or time is seen than when
    all was whole. Whoever loads a model reads it in any case.
    """
    wholeness = _Wholeness(database=database, data=data, path=path)

    def check() -> str | None:
        try:
            return wholeness.trouble()
        except DatabaseError:
            return "the database does not answer"
        except (BundleError, OSError):
            return "the model in service cannot be loaded; cxr models rollback takes the one before"

    return check


@dataclass(slots=True, kw_only=True)
class _Wholeness:
    database: Database
    data: Path
    path: Path | None
    _whole: Seen | None = None

    def trouble(self) -> str | None:
        if self.path is not None:
            self._require(None, self.path)
            return None
        with self.database.read() as connection:
            model = models.current(connection)
        if model is None:
            return NONE
        self._require(model, self.data / model.path)
        return None

    def _require(self, model: Model | None, folder: Path) -> None:
        seen = model, _files(folder)
        if seen == self._whole:
            return
        if model is None:
            bundle.load(folder)
        else:
            registry.bundle_of(model, self.data)
        self._whole = seen


def _files(folder: Path) -> frozenset[tuple[str, int, int]]:
    """What a change of a file would show in, links not followed."""
    found = ((each.relative_to(folder).as_posix(), each.lstat()) for each in folder.rglob("*"))
    return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
