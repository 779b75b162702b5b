"""The signs of the eight findings, each drawn at its own place and size: what a model is to learn, and a report says.

Geometry is the phantom's (`node.demonstration.phantom`): x and y in [-1, 1], the patient's left at positive x; 1 is
175 mm.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from db.vocabulary import EIGHT
from node.demonstration.shapes import Frame, Habitus, Image, below, ellipse

Side = Literal["right", "left"]
Zone = Literal["upper", "mid", "lower"]
MARKED = 3
"""The largest size; 1 is just to be seen."""
SCATTERED = 26
"""Spots of an infiltrate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One finding in one patient: where it is, and how much of it there is.

    Attributes:
        finding: a name of the vocabulary.
        side, zone: of the lung; the heart has neither.
        size: from 1 to `MARKED`.
        chance: seed of the details, so that a sign that stays looks as it did.
    """

    finding: str
    side: Side
    zone: Zone
    size: int
    chance: int


def drawn(finding: str, rng: np.random.Generator) -> Sign:
    """A sign as chance will have it."""
    return Sign(
        finding=finding,
        side="right" if rng.random() < 0.5 else "left",
        zone=("upper", "mid", "lower")[rng.integers(0, 3)],
        size=int(rng.choice((1, 2, 3), p=(0.3, 0.45, 0.25))),
        chance=int(rng.integers(0, 2**32)),
    )


def bent(habitus: Habitus, sign: Sign) -> Habitus:
    """The patient's habitus with what a sign does to it: a large heart, a raised diaphragm."""
    if sign.finding == "Cardiomegaly":
        return replace(habitus, heart=habitus.heart * (1.18 + 0.12 * sign.size))
    if sign.finding == "Atelectasis":
        raised = 0.03 * sign.size
        if sign.side == "right":
            return replace(habitus, raised_right=habitus.raised_right + raised)
        return replace(habitus, raised_left=habitus.raised_left + raised)
    return habitus


def painted(sign: Sign, frame: Frame, air: Image) -> Image:
    """What a sign adds to the attenuation."""
    paint = _PAINTS.get(sign.finding)
    return np.zeros_like(air) if paint is None else paint(sign, np.random.default_rng(sign.chance), frame, air)


def _sign_of(side: Side) -> int:
    return 1 if side == "left" else -1


def _lung(sign: Sign, frame: Frame) -> Image:
    """1 on the sign's side."""
    return below(frame.x * _sign_of(sign.side), 0.06, 0.03)


def _place(sign: Sign, rng: np.random.Generator) -> tuple[float, float]:
    """A point in the sign's zone, away from hilum and chest wall."""
    top = {"upper": -0.5, "mid": -0.22, "lower": 0.08}[sign.zone]
    y = float(top + rng.uniform(0, 0.2))
    widest = 0.52 if y > -0.3 else 0.42
    return _sign_of(sign.side) * float(rng.uniform(0.28, widest)), y


def _atelectasis(sign: Sign, rng: np.random.Generator, frame: Frame, air: Image) -> Image:
    """Plates of airless lung above a diaphragm that stands high."""
    total = np.zeros_like(air)
    for number in range(sign.size):
        y = 0.3 - 0.09 * number - 0.03 * sign.size + rng.uniform(-0.02, 0.02)
        x = _sign_of(sign.side) * rng.uniform(0.36, 0.5)
        total += ellipse(frame, x, y, rng.uniform(0.13, 0.22), 0.02, tilt=rng.uniform(-0.25, 0.25), softness=0.35)
    plates: Image = (0.28 * air * np.minimum(total, 1)).astype(np.float32)
    return plates


def _effusion(sign: Sign, rng: np.random.Generator, frame: Frame, air: Image) -> Image:
    """Fluid at the base; its surface rises towards the chest wall (a meniscus)."""
    surface = 0.57 - 0.15 * sign.size + rng.uniform(-0.03, 0.03)
    edge = surface - 0.5 * np.clip(frame.side - 0.3, 0, 1) ** 1.5
    fluid: Image = 0.52 * air * below(frame.y, edge, 0.025) * _lung(sign, frame)
    return fluid


def _infiltration(sign: Sign, rng: np.random.Generator, frame: Frame, air: Image) -> Image:
    """Faint spots without borders, in both lungs."""
    spots = np.zeros_like(air)
    for number in range(SCATTERED):
        x = (1 if number % 2 else -1) * rng.uniform(0.2, 0.62)
        spots += ellipse(frame, x, rng.uniform(-0.35, 0.4), *rng.uniform(0.03, 0.075, 2), softness=0.6)
    haze: Image = (0.08 + 0.07 * sign.size) * air * np.tanh(0.8 * spots)
    return haze


def _mass(sign: Sign, rng: np.random.Generator, frame: Frame, air: Image) -> Image:
    """Round, larger than 3 cm."""
    return 0.32 * _disc(_place(sign, rng), 0.07 + 0.025 * sign.size, frame, air)


def _nodule(sign: Sign, rng: np.random.Generator, frame: Frame, air: Image) -> Image:
    """Round, smaller than 3 cm; one, or a few in one lung."""
    total = np.zeros_like(air)
    for _ in range(sign.size):
        total += 0.26 * _disc(_place(sign, rng), float(rng.uniform(0.035, 0.055)), frame, air)
    return total


def _disc(place: tuple[float, float], radius: float, frame: Frame, air: Image) -> Image:
    disc: Image = air * ellipse(frame, *place, radius, 0.95 * radius, softness=0.15)
    return disc


def _pneumonia(sign: Sign, rng: np.random.Generator, frame: Frame, air: Image) -> Image:
    """One dense patch with soft borders."""
    x, y = _place(sign, rng)
    reach, patches = 0.07 + 0.03 * sign.size, np.zeros_like(air)
    for dx, dy in rng.normal(0, 0.5 * reach, (5, 2)).tolist():
        patches += ellipse(frame, x + dx, y + dy, 1.2 * reach, reach, softness=0.4)
    shadow: Image = 0.36 * air * np.tanh(0.6 * patches) * _lung(sign, frame)
    return shadow


def _pneumothorax(sign: Sign, rng: np.random.Generator, frame: Frame, air: Image) -> Image:
    """The edge of a lung that has come off the chest wall, as a thin line, and blacker air beyond it."""
    a, b = 0.46 - 0.07 * sign.size, 0.72 - 0.1 * sign.size
    x, y = 0.34 * _sign_of(sign.side), 0.12 + rng.uniform(-0.03, 0.03)
    reach = np.sqrt(((frame.x - x) / a) ** 2 + ((frame.y - y) / b) ** 2)
    line = np.exp(-(((reach - 1) / 0.03) ** 2))
    apex = 1 - below(frame.y, 0.35, 0.1)
    gap: Image = air * apex * _lung(sign, frame) * (0.13 * line - 0.12 * below(reach, 1.04, 0.02))
    return gap


_PAINTS: dict[str, Callable[[Sign, np.random.Generator, Frame, Image], Image]] = {
    "Atelectasis": _atelectasis,
    "Effusion": _effusion,
    "Infiltration": _infiltration,
    "Mass": _mass,
    "Nodule": _nodule,
    "Pneumonia": _pneumonia,
    "Pneumothorax": _pneumothorax,
}
FINDINGS = tuple(finding.name for finding in EIGHT)
"""What can be drawn: cardiomegaly by the habitus, the others by a sign of theirs."""
