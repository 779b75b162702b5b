"""What operating points are chosen for: a sensitivity or a specificity."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One of the two, in (0, 1), to be kept on the images that the points are chosen on."""

    measure: Literal["sensitivity", "specificity"]
    value: float

    def __str__(self) -> str:
        """As the card has it: "specificity 0.90"."""
        return f"{self.measure} {self.value:0<4g}"
