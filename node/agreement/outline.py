"""What programs are told of the agreement, by `cxr agreement --json` and over HTTP."""

from dataclasses import dataclass
from datetime import date

from node.agreement.course import Course
from node.agreement.measures import Figure, Fourfold


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some weeks of a finding: the four counts, and the figures of them; None where one is not defined."""

    counts: Fourfold
    kappa: Figure | None
    ppv: Figure | None
    sensitivity: Figure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week by its Monday."""

    week: date
    counts: Fourfold


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One finding: its last weeks, those before them, and all of them; `left_band` if the last are out of the band."""

    finding: str
    left_band: bool
    recent: Part
    earlier: Part
    whole: Part
    weeks: tuple[Week, ...]


def outline(course: Course) -> Outline:
    """A finding's course, in figures."""
    return Outline(
        finding=course.finding,
        left_band=course.left,
        recent=_part(course.recent),
        earlier=_part(course.earlier),
        whole=_part(course.whole),
        weeks=tuple(Week(week=week, counts=counts) for week, counts in course.weeks.items()),
    )


def _part(counts: Fourfold) -> Part:
    return Part(counts=counts, kappa=counts.kappa, ppv=counts.ppv, sensitivity=counts.sensitivity)
