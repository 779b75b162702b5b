"""The model in service: the promoted one, taken up when it changes, one version for the whole of a study.

The registry is asked at each study, so a promotion or a rollback holds from the next study on, in every process. A
promoted model that cannot be loaded reads nothing, and neither does the one before it: somebody decided against that.
Studies wait, say why, and `cxr models rollback` lets them go on.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from db import models
from db.engine import Connection, Database
from db.learning_records import Model
from inference import bundle
from inference.bundle import Bundle
from inference.classifier import Classifier, Classify
from node.errors import NodeError
from node.models import registry
from node.objects.model import ModelDescription
from node.process.implementation import SOFTWARE_VERSION


class NoModelError(NodeError):
    """No model is in this part; `cxr models list` shows which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInService:
    """A loaded model and how result objects name it."""

    classify: Classify
    description: ModelDescription


CurrentModel = Callable[[], ModelInService]
"""Asked once a study."""


class Service:
    """Loads the model in a part when it is first needed, and again when another one has it.

    Args:
        data: the data folder.
        path: a bundle to serve whatever is promoted.
        threads: processor threads for one image; 0 is one a core.
        part: who has it, by the registry: the current model, or the shadow.
    """

    def __init__(
        self,
        *,
        database: Database,
        data: Path,
        path: Path | None,
        threads: int,
        part: Callable[[Connection], Model | None] = models.current,
    ) -> None:
        self._database = database
        self._data = data
        self._path = path
        self._threads = threads
        self._part = part
        self._lock = threading.Lock()
        self._loaded: tuple[tuple[str, str | None], ModelInService] | None = None

    def __call__(self) -> ModelInService:
        """The model to read the next study with.

        Raises:
            NoModelError: none is promoted.
            inference.errors.BundleError: its files are not what they were.
        """
        model = None if self._path else self._registered()
        key = (model.path, model.version) if model else (str(self._path), None)
        with self._lock:
            if self._loaded is None or self._loaded[0] != key:
                checked = registry.bundle_of(model, self._data) if model else bundle.load(Path(key[0]))
                self._loaded = key, load(checked, self._threads)
            return self._loaded[1]

    def _registered(self) -> Model:
        with self._database.read() as connection:
            model = self._part(connection)
        if model is None:
            raise NoModelError("no model is promoted; `cxr models list` shows which there are")
        return model


def load(checked: Bundle, threads: int) -> ModelInService:
    """Load a bundle for service."""
    description = ModelDescription(
        name=checked.card.name, version=checked.card.version, software_version=SOFTWARE_VERSION
    )
    return ModelInService(classify=Classifier(checked, threads=threads), description=description)
