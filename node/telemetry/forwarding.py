"""How far the sending of the audit log is behind, when metrics are scraped."""

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from db import audit_sending
from db.engine import Database
from db.errors import DatabaseError


class Forwarding(Collector):
    """Asks the database; registers itself. For a node that sends its audit log, in the console's process alone."""

    def __init__(self, registry: CollectorRegistry, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        registry.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The metrics without values, so that registering asks no database."""
        return list(_families())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The metrics; none while the database does not answer, which `cxr_database_up` says."""
        try:
            with self._database.read() as connection:
                waiting = audit_sending.unsent(connection)
        except DatabaseError:
            return []
        entries, age = _families()
        entries.add_metric([], waiting.entries)
        age.add_metric([], max(0.0, (self._now() - waiting.oldest).total_seconds()) if waiting.oldest else 0)
        return [entries, age]


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily("cxr_audit_unsent", "Entries of the audit log that wait for the site's collector."),
        GaugeMetricFamily("cxr_audit_unsent_seconds", "Age of the oldest of them."),
    )
