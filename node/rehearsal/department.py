"""A synthetic department: patients who come once or more often, with findings that stay, change or go.

The same seed gives the same department, to the last UID. Nobody in it is a person.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from node.demonstration.shapes import Habitus
from node.rehearsal.signs import FINDINGS, MARKED, Sign, drawn

OPENED = datetime(2025, 3, 3, 7, tzinfo=UTC)
"""When its history begins."""
SICK = 0.62
"""Of patients who come for the first time."""
WEIGHTS = {
    "Atelectasis": 0.15,
    "Cardiomegaly": 0.15,
    "Effusion": 0.17,
    "Infiltration": 0.14,
    "Mass": 0.09,
    "Nodule": 0.11,
    "Pneumonia": 0.11,
    "Pneumothorax": 0.08,
}
"""Which finding a sick patient has."""

Room = Literal["DXROOM1", "DXROOM2", "WARDXR"]
ROOMS: tuple[Room, ...] = ("DXROOM1", "DXROOM2", "WARDXR")
"""AE titles of the modalities: two rooms for patients who stand (PA), one machine that goes to beds (AP)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A body that is drawn. `chance` is the seed of its anatomy."""

    patient_id: str
    habitus: Habitus
    chance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticStudy:
    """One radiograph of a patient, and what there is to report of it; `before` is the study before it, if any."""

    number: int
    patient: Patient
    study_instance_uid: str
    accession_number: str
    room: Room
    taken_at: datetime
    signs: tuple[Sign, ...]
    before: "SyntheticStudy | None" = None

    @property
    def view(self) -> str:
        """ViewPosition."""
        return "AP" if self.room == "WARDXR" else "PA"

    @property
    def findings(self) -> frozenset[str]:
        """What is drawn, by name."""
        return frozenset(sign.finding for sign in self.signs)


def studies(count: int, *, seed: int = 0) -> Iterator[SyntheticStudy]:
    """So many studies, in the order they are taken."""
    rng = np.random.default_rng([seed, 1])
    known: list[SyntheticStudy] = []
    number_of_patients = 0
    for number in range(1, count + 1):
        if known and rng.random() < 0.4:  # somebody comes again
            before = known.pop(int(rng.integers(0, len(known))))
            patient, signs = before.patient, _later(before.signs, rng)
            room: Room = before.room if rng.random() < 0.8 else ROOMS[int(rng.integers(0, 3))]
        else:
            number_of_patients += 1
            before, patient, signs = None, _patient(number_of_patients, seed, rng), _first(rng)
            room = ROOMS[int(rng.choice(3, p=(0.4, 0.35, 0.25)))]
        study = SyntheticStudy(
            number=number,
            patient=patient,
            study_instance_uid=uid(seed, "study", number),
            accession_number=f"SYN{seed:02d}{number:06d}"[:16],
            room=room,
            taken_at=OPENED + timedelta(minutes=47 * number + int(rng.integers(0, 40))),
            signs=signs,
            before=None if before is None else replace(before, before=None),
        )
        known.append(study)
        yield study


def uid(*parts: object) -> str:
    """A UID of its own for the same parts, always the same (DICOM PS3.5 B.2)."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"


def _patient(number: int, seed: int, rng: np.random.Generator) -> Patient:
    return Patient(
        patient_id=f"SYN{seed:02d}P{number:05d}",
        habitus=Habitus(
            width=float(rng.uniform(0.92, 1.06)),
            height=float(rng.uniform(0.94, 1.05)),
            heart=float(rng.uniform(0.92, 1.04)),
            raised_right=float(rng.uniform(-0.02, 0.05)),
            raised_left=float(rng.uniform(-0.02, 0.05)),
        ),
        chance=int(rng.integers(0, 2**32)),
    )


def _first(rng: np.random.Generator) -> tuple[Sign, ...]:
    """What a patient comes with: nothing, or one to three findings."""
    if rng.random() > SICK:
        return ()
    number = int(rng.choice((1, 2, 3), p=(0.5, 0.35, 0.15)))
    weights = np.array([WEIGHTS[name] for name in FINDINGS])
    chosen = rng.choice(len(FINDINGS), size=number, replace=False, p=weights / weights.sum())
    return tuple(drawn(FINDINGS[place], rng) for place in sorted(chosen.tolist()))


def _later(signs: tuple[Sign, ...], rng: np.random.Generator) -> tuple[Sign, ...]:
    """What becomes of it: each finding stays, grows, shrinks or goes; now and then there is a new one."""
    kept = []
    for sign in signs:
        if rng.random() < 0.75:
            change = int(rng.choice((-1, 0, 1), p=(0.25, 0.5, 0.25)))
            kept.append(replace(sign, size=min(MARKED, max(1, sign.size + change))))
    known = {sign.finding for sign in signs}
    new = [sign for sign in _first(rng) if sign.finding not in known] if rng.random() < 0.3 else []
    return (*kept, *new)
