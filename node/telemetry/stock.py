"""What the database says when metrics are scraped: work that waits, results on their way, the models in service.

One process shows it, for all would show the same. It is asked at most every few seconds, however often it is scraped,
and counts only what has not ended well, by an index: a million finished jobs cost nothing.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from db import backlog, deliveries, models
from db.agreement import Group
from db.engine import Connection, Database
from db.errors import DatabaseError
from node.agreement.band import Band
from node.agreement.course import Course, courses

log = logging.getLogger(__name__)

KEPT_S = 5.0
"""How long an answer of the database is good enough."""


class Stock(Collector):
    """Asks the database; registers itself."""

    def __init__(
        self, registry: CollectorRegistry, database: Database, now: Callable[[], datetime], band: Band | None = None
    ) -> None:
        self._database = database
        self._band = band or Band()
        self._now = now
        self._families: list[GaugeMetricFamily] = []
        self._good_until = 0.0
        registry.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The metrics without values, so that registering asks no database."""
        return list(_families())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The metrics; only `cxr_database_up`, at 0, when the database does not answer."""
        if time.monotonic() >= self._good_until:
            self._families = self._ask()
            self._good_until = time.monotonic() + KEPT_S
        return self._families

    def _ask(self) -> list[GaugeMetricFamily]:
        up, depth, age, undelivered, model, kappa, left = _families()
        try:
            with self._database.read() as connection:
                _count_jobs(connection, self._now(), depth, age)
                _count_deliveries(connection, undelivered)
                _name_models(connection, model)
                _say_agreement(courses(connection, Group(), self._band, self._now()), kappa, left)
        except DatabaseError:
            log.warning("no metrics of the database", exc_info=True)
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, depth, age, undelivered, model, kappa, left]


def _families() -> tuple[GaugeMetricFamily, ...]:
    return (
        GaugeMetricFamily("cxr_database_up", "Whether the database answers."),
        GaugeMetricFamily("cxr_jobs", "Jobs that are not done, by kind and state.", labels=["kind", "state"]),
        GaugeMetricFamily(
            "cxr_oldest_job_seconds",
            "Age of the oldest of these jobs, by kind and state; of those queued, of the oldest that could run.",
            labels=["kind", "state"],
        ),
        GaugeMetricFamily(
            "cxr_deliveries",
            "Results that have not arrived, by destination and state.",
            labels=["destination", "state"],
        ),
        GaugeMetricFamily("cxr_model_info", "The models in service, by part and version.", labels=["part", "version"]),
        GaugeMetricFamily(
            "cxr_agreement_kappa",
            "Agreement of model and reports beyond chance, by finding; in the recent weeks and in those before.",
            labels=["finding", "weeks"],
        ),
        GaugeMetricFamily("cxr_agreement_left_band", "Whether that has left its band, by finding.", labels=["finding"]),
    )


def _count_jobs(connection: Connection, now: datetime, depth: GaugeMetricFamily, age: GaugeMetricFamily) -> None:
    for each in backlog.undone(connection):
        depth.add_metric([each.kind, each.state], each.count)
        age.add_metric([each.kind, each.state], max(0.0, (now - each.oldest).total_seconds()))


def _count_deliveries(connection: Connection, undelivered: GaugeMetricFamily) -> None:
    """By the destinations of the settings; the AE title of a sender, which follows a colon, is a peer's own word."""
    found: Counter[tuple[str, str]] = Counter()
    for destination, state, count in deliveries.unsettled(connection):
        found[destination.partition(":")[0], state] += count
    for labels, count in found.items():
        undelivered.add_metric(labels, count)


def _say_agreement(found: Iterable[Course], kappa: GaugeMetricFamily, left: GaugeMetricFamily) -> None:
    for each in found:
        for weeks, counts in (("recent", each.recent), ("earlier", each.earlier)):
            if counts.kappa is not None:
                kappa.add_metric([each.finding, weeks], counts.kappa.value)
        left.add_metric([each.finding], each.left)


def _name_models(connection: Connection, model: GaugeMetricFamily) -> None:
    for part, version in (("current", models.current(connection)), ("shadow", models.shadow(connection))):
        if version is not None:
            model.add_metric([part, version.version], 1)
