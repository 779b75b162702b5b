"""The model card: everything a hospital must know of a model before it serves, checked when it is read.

It is text from outside, so it is a pydantic model: frozen, and an unknown field is an error.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from db.vocabulary import FINDINGS

Unit = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""It also names a folder, so it does not begin with a dot."""
MOST_POINTS = 101
"""Of a curve in a card: enough to draw it."""
Interval = tuple[Unit, Unit]
"""The ends of a 95 % confidence interval."""


class Part(BaseModel):
    """Base of the card's parts: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Architecture(Part):
    """The network (Wang et al. 2017, section 3.1), in the words of `inference.network`."""

    backbone: str
    pretrained: str
    transition_width: Annotated[int, Field(ge=1)]
    pooling: Literal["average", "max", "lse"]
    r: float
    """The sharpness of Log-Sum-Exp pooling; no meaning with another pooling."""
    loss: str
    grid: Annotated[int, Field(ge=1)]
    """S: class activation maps are S x S."""
    members: Annotated[int, Field(ge=1)] = 1
    """Networks that answer as one: the mean of their logits and maps (`inference.ensemble`)."""
    regions: tuple[str, ...] = ()
    """Those of `inference.regions`, each weighed apart; without any the pooling is over the whole image."""


class Preprocessing(Part):
    """What is done to an image before the network sees it; `inference.preprocess` does it."""

    size: Annotated[int, Field(ge=32, le=2048)]
    """Side of the square input, in pixels; the aspect ratio is not kept."""
    mean: float
    """Subtracted from grey levels in [0, 1]."""
    std: Annotated[float, Field(gt=0)]
    channels: Annotated[int, Field(ge=1, le=3)] = 3


class Counts(Part):
    """How much one set holds: images, patients, and images with each finding."""

    images: int
    patients: int
    positives: dict[str, int]


class Data(Part):
    """What the model learnt from."""

    source: str
    split: str
    train: Counts
    validation: Counts
    test: Counts
    snapshot: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the training snapshot's manifest; a model from before there were snapshots has none."""


class FindingMetrics(Part):
    """How well one finding is told from its absence on the test set."""

    finding: str
    positives: int
    negatives: int
    auc: Unit
    auc_interval: Interval
    stratified_auc: Unit | None
    """The same, comparing only images of one collection and view; None where no pair can be compared."""
    roc: Annotated[tuple[tuple[Unit, Unit], ...], Field(max_length=MOST_POINTS)] = ()
    """Points (1 - specificity, sensitivity) of its curve; a card from before they were kept has none."""


class FindingBoxes(Part):
    """How a finding's boxes meet a radiologist's: a cell of the paper's Table 4, without its gate."""

    finding: str
    measure: Literal["IoBB", "IoU"]
    level: Unit
    """Of overlap, above which a box meets."""
    images: int
    """With a radiologist's box of the finding."""
    accuracy: Unit
    false_positives: Annotated[float, Field(ge=0)]
    """Average false positives, as the paper's conference version counts them."""


class Metrics(Part):
    """Results on the test set, which nothing was chosen on."""

    per_finding: tuple[FindingMetrics, ...]
    mean_auc: Unit
    mean_stratified_auc: Unit
    by_collection: dict[str, Unit]
    """Mean AUC over the findings that have at least three positives and negatives in it."""
    by_view: dict[str, Unit]
    localization: str
    """How often boxes meet the published ones, and on how few images that was counted."""
    boxes: tuple[FindingBoxes, ...] = ()
    """The same finding by finding and level by level; none where there were no radiologist's boxes."""
    out_of_fold: dict[str, Unit] = {}
    """Mean AUCs on the patients of training, each read by what has not learnt from that patient."""
    across_sources: dict[str, Unit] = {}
    """Mean AUC within each source of a model that has learnt from all the others only."""


class OperatingPoint(Part):
    """From which probability on a finding is called present, and what that costs."""

    finding: str
    probability: Unit
    target: str
    """What it was chosen for, on the validation set."""
    sensitivity: Unit
    sensitivity_interval: Interval
    specificity: Unit
    specificity_interval: Interval
    """Both as reached on the test set."""


class Calibration(Part):
    """probability = sigmoid(scale * logit + offset), one pair a finding in the card's order (Platt 1999)."""

    method: str
    scale: tuple[Annotated[float, Field(gt=0)], ...]
    offset: tuple[float, ...]


class Card(Part):
    """All that is known of a model. `version` goes into every result object."""

    name: Name
    version: Name
    created: date
    findings: Annotated[tuple[str, ...], Field(min_length=1)]
    architecture: Architecture
    preprocessing: Preprocessing
    data: Data
    metrics: Metrics
    operating_points: tuple[OperatingPoint, ...]
    calibration: Calibration
    limits: tuple[str, ...]
    licence: str
    attribution: tuple[str, ...]
    notice: Literal["Not for clinical use. Not a medical device."]
    files: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]
    """SHA-256 of each file of the bundle, this card apart."""

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        unknown = [name for name in self.findings if name not in FINDINGS]
        if unknown:
            raise ValueError(f"unknown findings: {', '.join(unknown)}")
        if len(set(self.findings)) != len(self.findings):
            raise ValueError("a finding is named twice")
        if tuple(point.finding for point in self.operating_points) != self.findings:
            raise ValueError("operating points must follow the findings, one each")
        if not len(self.calibration.scale) == len(self.calibration.offset) == len(self.findings):
            raise ValueError("calibration must follow the findings, one pair each")
        return self
