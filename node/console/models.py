"""The models: which there are, what each says of itself, which one reads, and which one reads in its shadow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from db import audit, comparisons, models, snapshots
from db.engine import Connection, Database
from db.learning_records import Model, StoredComparison
from db.people_records import Role
from inference.card import Card
from inference.errors import InferenceError
from node.console.access import Visit
from node.console.chart import Axis, Chart, Point, Series, chart
from node.console.frame import Frame
from node.console.words import BADGES, MODEL_STATES, finding, sentence
from node.models import live, registry
from training.paper import TABLE_3, TABLE_4

SNAPSHOTS = 50
"""Of which so many, the newest, are offered for a comparison."""
COMPARISONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The list, a model's page, and the part of it that waits for a comparison.

    Args:
        zone: the site's, in which today begins.
        fixed: whether the settings name the model that reads, whatever is promoted.
    """

    database: Database
    frame: Frame
    now: Callable[[], datetime]
    zone: tzinfo | None
    fixed: bool

    def show(self, visit: Visit, status: int = 200, problem: str | None = None) -> Response:
        """All of them, and the shadow beside the one that reads."""
        with self.database.read() as connection:
            found = models.every(connection)
            current, shadow = models.current(connection), models.shadow(connection)
            before = models.previous(connection)
            today = live.begin_of(1, self.now(), self.zone)
            beside = live.compare(connection, shadow.version, today) if current and shadow else None
        return self.frame.page(
            "models.html",
            visit,
            status,
            problem=problem,
            models=sorted(found, key=lambda each: list(MODEL_STATES).index(each.state)),
            current=current,
            shadow=shadow,
            before=before,
            beside=beside,
            **self._common(visit),
        )

    def one(self, visit: Visit, status: int = 200, problem: str | None = None) -> Response:
        """A model's card, and what it takes to let it read."""
        version = str(visit.request.path_params["version"])
        with self.database.read() as connection:
            model = self._known(connection, version)
            history = audit.of_subject(connection, version, "model.")
            offered = snapshots.newest(connection, SNAPSHOTS)
        try:
            card, fault = registry.card_of(model), None
        except InferenceError as error:
            card, fault = None, sentence(error)
        return self.frame.page(
            "model.html",
            visit,
            status,
            problem=problem or fault,
            model=model,
            history=history,
            snapshots=offered,
            **({} if card is None else tables(card)),
            card=card,
            **self._beside(version),
            **self._common(visit),
        )

    def comparison(self, visit: Visit) -> Response:
        """The part of a model's page that has it beside the one that reads."""
        version = str(visit.request.path_params["version"])
        with self.database.read() as connection:
            model = self._known(connection, version)
        beside = self._beside(version)
        return self.frame.page("comparison.html", visit, model=model, **beside, **self._common(visit))

    def _beside(self, version: str) -> dict[str, Any]:
        with self.database.read() as connection:
            current = models.current(connection)
            asked = comparisons.of_candidate(connection, version, COMPARISONS)
        over = current.version if current else None
        holds = next((each for each in asked if each.current == over), None)
        return {"current": current, "comparison": holds, "beside_rocs": _rocs_of(holds)}

    def _known(self, connection: Connection, version: str) -> Model:
        model = models.find(connection, version)
        if model is None:
            raise HTTPException(404, "No model of this version is registered.")
        return model

    def _common(self, visit: Visit) -> dict[str, Any]:
        may = visit.person is not None and visit.person.role.includes(Role.ADMINISTRATOR)
        return {"may_act": may, "states": MODEL_STATES, "badges": BADGES, "fixed": self.fixed}


def tables(card: Card) -> dict[str, Any]:
    """What the card says, as the tables of the page: the paper's figures stand beside its own."""
    metrics = {row.finding: row for row in card.metrics.per_finding}
    networks = sorted(TABLE_3, key=lambda network: -sum(TABLE_3[network].values()))  # the best first
    levels = {each.level for each in card.metrics.boxes if each.measure == "IoBB"} & TABLE_4.keys()
    boxes = {(each.level, each.finding): each for each in card.metrics.boxes if each.measure == "IoBB"}
    points_of = {each.finding: ((1 - each.specificity, each.sensitivity),) for each in card.operating_points}
    return {
        "table3": [
            (metrics[name], [TABLE_3[network].get(name) for network in networks])
            for name in card.findings
            if name in metrics
        ],
        "networks": networks,
        "table4": [
            (level, [(boxes.get((level, name)), _printed(level, name)) for name in card.findings])
            for level in sorted(levels)
        ],
        "rocs": [
            roc(name, {card.version: row.roc, "operating point": points_of.get(name, ())})
            for name, row in metrics.items()
            if row.roc
        ],
    }


def _printed(level: float, name: str) -> tuple[float, float] | None:
    accuracy, false_positives = TABLE_4[level]
    return (accuracy[name], false_positives[name]) if name in accuracy else None


def roc(name: str, curves: Mapping[str, Sequence[Sequence[float]]]) -> Chart:
    """The ROC curves of a finding, by what each is called."""
    lines = [Series(name=words, points=tuple(map(_point, points))) for words, points in curves.items()]
    across, up = Axis(title="1 - specificity", range=(0, 1)), Axis(title="sensitivity", range=(0, 1))
    return chart(finding(name), lines, across=across, up=up, diagonal=True)


def _point(pair: Sequence[float]) -> Point:
    return float(pair[0]), float(pair[1])


def _rocs_of(comparison: StoredComparison | None) -> list[Chart]:
    """The curves of both models, a chart for each finding."""
    if comparison is None or comparison.outcome is None:
        return []
    drawn = comparison.outcome["curves"]
    return [
        roc(name, {version: drawn[version].get(name, ()) for version in (comparison.current, comparison.candidate)})
        for name in (row["finding"] for row in comparison.outcome["compared"]["findings"])
    ]
