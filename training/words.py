"""What a card says of a model in words: whose images, whose licence, which limits. A file may give them."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from training.errors import TrainingError
from training.snapshot import Snapshot

LIMITS = (
    "Labels were mined from reports or published with the images; some are wrong.",
    "Sources differ in their shares of findings and views; the stratified AUC is the fair one.",
    "Probabilities are calibrated to this mix of images; in another, findings are more or less frequent.",
    "Results at another site, or on machines that sent no training image, are unknown.",
    "Class activation maps have few cells a side: boxes are coarse, and small nodules are not localized.",
)


class Words(BaseModel):
    """The card's texts. An unknown one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """The images: how many, of whom, from where."""
    split: str = "by patient, as in the snapshot"
    licence: str = "Of whoever trained it; it holds what was learnt of their images."
    attribution: tuple[str, ...] = ()
    limits: tuple[str, ...] = LIMITS
    readme: str = (
        "# A chest radiograph model\n\n**Not for clinical use. Not a medical device.** `card.json` says it all.\n"
    )


def of_snapshot(snapshot: Snapshot) -> Words:
    """What can be said of any snapshot."""
    patients = len({item.patient for item in snapshot.items})
    sources = len({item.source for item in snapshot.items})
    return Words(
        source=f"{len(snapshot.items)} frontal radiographs of {patients} patients from {sources} sources, "
        f"snapshot of {snapshot.created.date()}"
    )


def read(path: Path) -> Words:
    """Read a TOML file of words.

    Raises:
        TrainingError: it is no such file.
    """
    try:
        return Words.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror}") from error
    except (ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is no file of words for a card; it has {', '.join(Words.model_fields)}") from error
