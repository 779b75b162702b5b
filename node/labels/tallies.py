"""Counts over everything, which a person does not wait for: made now and then, and shown with the time they were made.

A store of moderate size is counted when somebody asks, so a count and a list never disagree there. In a large one the
node that reconciles counts again every few minutes, and never spends more than a twentieth of its time on it.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from db import backlog, census, deliveries, holdings, links, minings, notes, reports, studies, tally, vocabulary
from db.engine import Connection, Database
from db.tally import Cooccurrence, LabelTable
from nlp import miner
from nlp.errors import NlpError
from node.sections.running import MiningSettings

T = TypeVar("T")

LARGE = 20_000
"""Report versions from which on a count of reports is kept; jobs, where it is of studies and what becomes of them."""
KEPT_S = 300.0
"""Seconds for which a kept count is good."""
SHARE = 20
"""After a count that took a second nothing is counted for so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally(Generic[T]):
    """A count: under which name it is kept, as what it is read back, and how it is made.

    `newest` tells how large the store is, in this respect, by the id of its newest row.
    """

    name: str
    form: TypeAdapter[T]
    count: Callable[[Connection], T]
    newest: Callable[[Connection], int | None] = reports.newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted(Generic[T]):
    """A count and when it was made; None: just now."""

    value: T
    counted_at: datetime | None


BY_NAME, NUMBER = TypeAdapter(dict[str, int]), TypeAdapter(int)
LINKS = Tally(name="reports by link", form=BY_NAME, count=links.counts)
VERSIONS = Tally(name="report versions", form=NUMBER, count=reports.count)
STUDIES = Tally(name="studies by state", form=BY_NAME, count=studies.counts, newest=backlog.newest)
JOBS = Tally(name="jobs by kind and state", form=BY_NAME, count=backlog.counts, newest=backlog.newest)
DELIVERIES = Tally(
    name="deliveries by destination and state", form=BY_NAME, count=deliveries.counts, newest=backlog.newest
)
ABSENT = Tally(name="absent files", form=BY_NAME, count=holdings.counts, newest=backlog.newest)
EIGHT = tuple(finding.name for finding in vocabulary.EIGHT)
FOURTEEN = tuple(vocabulary.FINDINGS)
"""The findings that are counted together: those of ChestX-ray8, or of ChestX-ray14."""


def _labels(connection: Connection) -> dict[int, tuple[LabelTable, Cooccurrence]]:
    read = census.whole(connection)
    return {len(findings): tally.summed(read, findings) for findings in (EIGHT, FOURTEEN)}


LABELS = Tally(name="labels", form=TypeAdapter(dict[int, tuple[LabelTable, Cooccurrence]]), count=_labels)
"""The paper's Table 1 and Figure 2, by how many findings they are of."""


def unmined(settings: MiningSettings) -> Tally[int]:
    """Report versions that the miner in force has not mined.

    Raises:
        NlpError: it is not installed.
    """
    identity = miner.identity(settings.language_model, settings.policy)
    return Tally(
        name=f"not mined by {identity} {identity.language_model}".strip(),
        form=NUMBER,
        count=lambda connection: minings.unmined_count(connection, identity),
    )


def every(settings: MiningSettings) -> tuple[Tally[Any], ...]:
    """All that a node keeps."""
    always = (STUDIES, JOBS, DELIVERIES, ABSENT, VERSIONS, LINKS, LABELS)
    try:
        return *always, unmined(settings)
    except NlpError:
        return always


def look(connection: Connection, of: Tally[T]) -> Counted[T]:
    """The count: a kept one of a large store, else made now, which takes long only where no node keeps any."""
    kept = notes.read(connection, of.name) if _is_large(connection, of) else None
    if kept is None:
        return Counted(value=of.count(connection), counted_at=None)
    return Counted(value=of.form.validate_python(kept.value["count"]), counted_at=kept.noted_at)


def with_few(kept: Counted[dict[str, int]], now: Mapping[str, int], is_few: Callable[[str], bool]) -> dict[str, int]:
    """A count by state, of which the states that few are in, by `is_few`, are as they are `now`."""
    return {state: count for state, count in kept.value.items() if not is_few(state)} | dict(now)


def _is_large(connection: Connection, of: Tally[Any]) -> bool:
    """Whether it is kept."""
    return (of.newest(connection) or 0) >= LARGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Counts again what has become old."""

    database: Database
    tallies: Callable[[], Sequence[Tally[Any]]]
    now: Callable[[], datetime]

    def run(self, stopping: threading.Event) -> None:
        """Go once through all of them."""
        for each in self.tallies():
            if stopping.is_set():
                return
            if self._is_old(each):
                self._keep(each)

    def _is_old(self, of: Tally[Any]) -> bool:
        with self.database.read() as connection:
            if not _is_large(connection, of):
                return False
            kept = notes.read(connection, of.name)
        if kept is None:
            return True
        good_s = max(KEPT_S, SHARE * float(kept.value["seconds"]))
        return abs(self.now() - kept.noted_at) > timedelta(seconds=good_s)

    def _keep(self, of: Tally[Any]) -> None:
        began, noted_at = time.monotonic(), self.now()
        with self.database.read() as connection:
            found = of.form.dump_python(of.count(connection), mode="json")
        value = {"count": found, "seconds": round(time.monotonic() - began, 3)}
        with self.database.write() as connection:
            notes.write(connection, of.name, value, noted_at)
