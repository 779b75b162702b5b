"""How far model and reports agree, from the four counts of a finding; each figure with its 95 % interval.

Reports are what the model is held against; they are not the truth (a finding may be there and not be mentioned).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from db.agreement import Counted

Z = 1.959964
"""Of the normal distribution, for 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure and the interval that holds it in 95 of 100 such samples."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fourfold:
    """Readings of one finding by what the model (present, absent) and then the report (positive, negative) says."""

    both: int = 0
    only_model: int = 0
    only_report: int = 0
    neither: int = 0

    def __add__(self, other: "Fourfold") -> "Fourfold":
        return Fourfold(
            both=self.both + other.both,
            only_model=self.only_model + other.only_model,
            only_report=self.only_report + other.only_report,
            neither=self.neither + other.neither,
        )

    @property
    def readings(self) -> int:
        """All of them."""
        return self.both + self.only_model + self.only_report + self.neither

    @property
    def ppv(self) -> Figure | None:
        """Of what the model calls present, the part that the report has too; None where it calls nothing so."""
        return proportion(self.both, self.both + self.only_model)

    @property
    def sensitivity(self) -> Figure | None:
        """Of what the reports have, the part that the model calls present; None where they have nothing."""
        return proportion(self.both, self.both + self.only_report)

    @property
    def kappa(self) -> Figure | None:
        """Agreement beyond chance (Cohen 1960); None where one of the two always says the same.

        The interval is by the standard error of Fleiss, Cohen and Everitt (1969).
        """
        n = self.readings
        if not n:
            return None
        cells = [[self.both / n, self.only_model / n], [self.only_report / n, self.neither / n]]
        model = [sum(row) for row in cells]
        report = [cells[0][k] + cells[1][k] for k in (0, 1)]
        observed = cells[0][0] + cells[1][1]
        chance = sum(model[k] * report[k] for k in (0, 1))
        if chance >= 1 or min(*model, *report) == 0:
            return None
        kappa = (observed - chance) / (1 - chance)
        agreed = sum(cells[k][k] * (1 - (model[k] + report[k]) * (1 - kappa)) ** 2 for k in (0, 1))
        differed = (1 - kappa) ** 2 * sum(cells[j][k] * (report[j] + model[k]) ** 2 for j, k in ((0, 1), (1, 0)))
        variance = (agreed + differed - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
        reach = Z * sqrt(max(0.0, variance))
        return Figure(value=kappa, low=max(-1.0, kappa - reach), high=min(1.0, kappa + reach))


def proportion(part: int, whole: int) -> Figure | None:
    """A part of a whole with Wilson's interval (1927); None of nothing."""
    if not whole:
        return None
    share, z2 = part / whole, Z * Z
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    reach = Z * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return Figure(value=share, low=max(0.0, middle - reach), high=min(1.0, middle + reach))


def fourfold(counts: Iterable[Counted]) -> Fourfold:
    """The four counts of one finding, over whatever weeks are given."""
    total = Fourfold()
    for each in counts:
        total += Fourfold(
            both=each.number * (each.present and each.reported),
            only_model=each.number * (each.present and not each.reported),
            only_report=each.number * (not each.present and each.reported),
            neither=each.number * (not each.present and not each.reported),
        )
    return total
