"""What the product remembers of learning, as frozen records: images, boxes, published labels, snapshots, trainings.

Standard library only; see `db.records`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from db.report_records import MessageArrival
from db.vocabulary import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlookedImage:
    """A stored instance of which nobody has looked at the header yet."""

    instance_id: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontal:
    """That an instance is a frontal chest radiograph, which the node reads.

    `view` is PA, AP or "" where its header does not say; `collection` the public set it is of, "" for the site's own.
    """

    instance_id: int
    view: str
    collection: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontalImage:
    """A frontal image with all that a snapshot says of it; `source` is its collection or else the calling AE."""

    instance_id: int
    study_id: int
    study_instance_uid: str
    patient_id: str
    path: str
    sha256: str
    view: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBox:
    """A radiologist's box on an image, as parts of its width and height in [0, 1]; `origin` says whose."""

    finding: str
    x: float
    y: float
    width: float
    height: float
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSnapshot:
    """A snapshot that was made here. `folder` is its name among the snapshots; `about` is the snapshot's own."""

    id: int
    sha256: str
    folder: str
    created_at: datetime
    findings: tuple[str, ...]
    images: Mapping[Split, int]
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLabels:
    """What was published of one image: its findings, under the report that stands for them.

    `findings` are those that are there; of the `unknown` nothing was published, and they are kept as uncertain;
    `normal` says that nothing is there. `message` holds one report.
    """

    message: MessageArrival
    findings: tuple[str, ...]
    unknown: tuple[str, ...]
    normal: bool


class RunState(StrEnum):
    """waiting -> running -> done | stopped | failed; who stops one that runs waits a moment (`stopping`).

    One that was stopped or failed can go on where it was.
    """

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of itself."""
        return self in {RunState.DONE, RunState.STOPPED, RunState.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """A training that somebody started here.

    `version` is its model's, which is also the name of its folder. `snapshot` is the hash of what it learns from, None
    until that is made, of the findings `wanted`. `arguments` are those of `cxr train`, `told` the last that its journal
    said. `reason` says why it waits or failed; `registered` whether its model is in the registry.
    """

    id: int
    version: str
    snapshot: str | None
    wanted: tuple[str, ...]
    method: str
    arguments: tuple[str, ...]
    state: RunState
    reason: str | None
    told: Mapping[str, Any]
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    stopped_by: str | None
    registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredComparison:
    """A candidate beside the model that read then, on the test patients of a snapshot.

    `done` of `total` images are read so far. `outcome` has the numbers, None until they are there, or if it came to
    nothing; then `reason` says why.
    """

    id: int
    candidate: str
    current: str
    snapshot: str
    asked_by: str
    asked_at: datetime
    ended: bool
    done: int
    total: int
    outcome: Mapping[str, Any] | None
    reason: str | None


class ModelState(StrEnum):
    """candidate -> current -> retired. At most one model is current.

    A rollback makes the current one a candidate again and a retired one current. At most one model that is not current
    is the shadow, which reads after the current one and is heard by nobody.
    """

    CANDIDATE = "candidate"
    CURRENT = "current"
    RETIRED = "retired"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model in the registry; `path` is its bundle's folder in the data folder, `card` what the bundle says of itself.

    `promoted_at` and `promoted_by` are of its last promotion, None if there is none that was not rolled back.
    """

    id: int
    name: str
    version: str
    path: str
    state: ModelState
    card: Mapping[str, Any]
    registered_at: datetime
    promoted_at: datetime | None
    promoted_by: str | None
