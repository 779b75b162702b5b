"""What the endpoints of the HTTP API work with, and the values that they all take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Request

from db.engine import Database
from db.records import Study
from node.console.masking import Mask
from node.files import InstanceStore
from node.identity.tokens import Tokens
from node.labels.trials import Trials
from node.settings import Settings
from node.telemetry.readiness import Check

AStudy = TypeVar("AStudy", bound=Study)
RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Uid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$", description="A DICOM UID.")]
Version = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]+$", description="Of a model.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The node, as far as programs may reach it.

    Args:
        checks: whether this process can do its work.
        mask: hides what names a patient, where the site wants that.
        trials: what tries another lexicon.
        announce: wakes a worker for a job.
    """

    settings: Settings
    database: Database
    store: InstanceStore
    tokens: Tokens
    mask: Mask
    trials: Trials
    checks: Mapping[str, Check]
    announce: Callable[[int], None]
    now: Callable[[], datetime]

    def shown(self, study: AStudy) -> AStudy:
        """A study as it may be shown."""
        return replace(
            study,
            patient_id=self.mask.value(study.patient_id),
            patient_name=self.mask.value(study.patient_name),
            accession_number=self.mask.value(study.accession_number),
        )


def _basis(request: Request) -> Basis:
    basis: Basis = request.app.state.basis
    return basis


Node = Annotated[Basis, Depends(_basis)]
