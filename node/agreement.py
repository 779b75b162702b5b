"""How far two models agree on the images that both have read."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from db.records import ScorePair


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two models on one finding. Present means at or above the model's own operating point.

    `kappa` is the agreement beyond chance (Cohen 1960), `correlation` Pearson's of the probabilities; each is None
    where it is not defined, as on images that are all alike.
    """

    finding: str
    images: int
    both: int
    only_first: int
    only_second: int
    neither: int
    kappa: float | None
    correlation: float | None

    @property
    def share(self) -> float:
        """The part of the images on which they say the same, in [0, 1]."""
        return (self.both + self.neither) / self.images


@dataclass(slots=True)
class _Said:
    """Of one finding, per image: two probabilities and whether each is present."""

    probabilities: list[tuple[float, float]] = field(default_factory=list)
    present: list[tuple[bool, bool]] = field(default_factory=list)


def agreements(pairs: Iterable[ScorePair]) -> list[Agreement]:
    """Compare two models on every finding that both know, in the order of the first."""
    said: dict[str, _Said] = {}
    for pair in pairs:
        second = {score["finding"]: score for score in pair.second}
        for one in pair.first:
            other = second.get(one["finding"])
            if other is not None:
                here = said.setdefault(one["finding"], _Said())
                here.probabilities.append((one["probability"], other["probability"]))
                here.present.append(
                    (one["probability"] >= one["operating_point"], other["probability"] >= other["operating_point"])
                )
    return [_agreement(finding, each) for finding, each in said.items()]


def _agreement(finding: str, said: _Said) -> Agreement:
    first, second = np.array(said.present).T
    images = len(said.present)
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    observed = (both + neither) / images
    expected = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    return Agreement(
        finding=finding,
        images=images,
        both=both,
        only_first=int((first & ~second).sum()),
        only_second=int((~first & second).sum()),
        neither=neither,
        kappa=(observed - expected) / (1 - expected) if expected < 1 else None,
        correlation=_correlation(*np.array(said.probabilities).T),
    )


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])
