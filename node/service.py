"""The model in service: the promoted one, taken up when it changes, one version for the whole of a study."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from db import models
from db.engine import Database
from inference import bundle
from inference.classifier import Classifier, Classify
from inference.errors import BundleError
from node.errors import NodeError
from node.implementation import SOFTWARE_VERSION
from node.objects.model import ModelDescription


class NoModelError(NodeError):
    """No model is promoted; `cxr models list` shows which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInService:
    """A loaded model and how result objects name it."""

    classify: Classify
    description: ModelDescription


CurrentModel = Callable[[], ModelInService]
"""Asked once a study."""


class Service:
    """Loads the promoted model when it is first needed, and again when another one is promoted.

    Args:
        path: a bundle to serve whatever is promoted.
        threads: processor threads for one image; 0 is one a core.
    """

    def __init__(self, *, database: Database, path: Path | None, threads: int) -> None:
        self._database = database
        self._path = path
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: tuple[tuple[Path, str | None], ModelInService] | None = None

    def __call__(self) -> ModelInService:
        """The model to read the next study with.

        Raises:
            NoModelError: none is promoted.
            inference.errors.BundleError: its files are not what they were.
        """
        path, version = (self._path, None) if self._path else self._promoted()
        with self._lock:
            if self._loaded is None or self._loaded[0] != (path, version):
                model = load(path, self._threads)
                holds = model.description.version
                if version not in (None, holds):
                    raise BundleError(f"The bundle of {version} holds {holds}, which was not promoted.")
                self._loaded = (path, version), model
            return self._loaded[1]

    def _promoted(self) -> tuple[Path, str]:
        with self._database.read() as connection:
            model = models.current(connection)
        if model is None:
            raise NoModelError("no model is promoted; `cxr models list` shows which there are")
        return Path(model.path), model.version


def load(path: Path, threads: int) -> ModelInService:
    """Load a bundle for service."""
    checked = bundle.load(path)
    description = ModelDescription(
        name=checked.card.name, version=checked.card.version, software_version=SOFTWARE_VERSION
    )
    return ModelInService(classify=Classifier(checked, threads=threads), description=description)
