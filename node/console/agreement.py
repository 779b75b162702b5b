"""How far the model agrees with the reports, finding by finding, and how that goes over time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from starlette.responses import Response

from db import agreement
from db.agreement import Group
from db.engine import Database
from db.vocabulary import EIGHT
from node.agreement.band import Band
from node.agreement.course import Course, courses
from node.agreement.measures import Figure, Fourfold
from node.console.access import Visit
from node.console.chart import Axis, Chart, Series, chart
from node.console.frame import Frame

MEASURES: tuple[tuple[str, Callable[[Fourfold], Figure | None]], ...] = (
    ("kappa", lambda counts: counts.kappa),
    ("PPV", lambda counts: counts.ppv),
    ("sensitivity", lambda counts: counts.sensitivity),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The page. It has counts, and nothing of a patient."""

    database: Database
    frame: Frame
    band: Band
    now: Callable[[], datetime]

    def show(self, visit: Visit) -> Response:
        """All findings, and the weeks of the one that is asked for; of one sender, view or model version, if asked."""
        asked = visit.request.query_params
        with self.database.read() as connection:
            known = agreement.groups(connection)
            group = Group(**{name: asked[name] for name in known if asked.get(name) in known[name]})
            found = courses(connection, group, self.band, self.now())
        names = [each.name for each in EIGHT]
        finding = asked.get("finding", "") if asked.get("finding") in names else _telling(found)
        course = next(each for each in found if each.finding == finding)
        return self.frame.page(
            "agreement.html",
            visit,
            courses=found,
            shown=course,
            chart=_chart(course),
            band=self.band,
            known=known,
            group=group,
            some=any(each.whole.readings for each in found),
        )


def _telling(found: Sequence[Course]) -> str:
    """What is shown first: a finding that has left its band, else the one that most is known of."""
    return max(found, key=lambda each: (each.left, each.whole.both + each.whole.only_report)).finding


def _chart(course: Course) -> Chart:
    weeks = list(course.weeks)
    places = {week: float(number) for number, week in enumerate(weeks)}
    return chart(
        f"{course.finding.replace('_', ' ')}: agreement with the reports, by week of reading",
        [_series(name, measure, course, places) for name, measure in MEASURES],
        across=Axis(title="week", words=tuple((places[week], f"{week:%Y-%m-%d}") for week in weeks)),
        up=Axis(title="", range=(min(0.0, _lowest(course)), 1.0)),
    )


def _series(
    name: str, measure: Callable[[Fourfold], Figure | None], course: Course, places: dict[date, float]
) -> Series:
    figures = [(places[week], measure(counts)) for week, counts in course.weeks.items()]
    there = [(x, figure) for x, figure in figures if figure is not None]
    return Series(
        name=name,
        points=tuple((x, figure.value) for x, figure in there),
        band=tuple((figure.low, figure.high) for _, figure in there) if name == "kappa" else (),
    )


def _lowest(course: Course) -> float:
    kappas = [counts.kappa for counts in course.weeks.values()]
    return min((kappa.low for kappa in kappas if kappa is not None), default=0.0)
