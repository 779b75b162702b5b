"""Bring a history of reports into the database: some hundred reports a transaction, each of them once.

What has been read before is known by its identity, so that an import that was cut off, however, is begun again from
the start: what is there is passed over, and nothing is stored twice.

SQLite has one writer, and whoever waits for it only looks again from time to time, up to 100 ms later. So a
transaction is short, and the next begins no sooner than as much time has passed as the last one took: most of it goes
into reading. Without that, reports that a node receives meanwhile waited for up to 2 s.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from db import mining_jobs, reports
from db.engine import Database
from db.errors import RowsRefusedError
from db.report_records import MessageArrival
from node.history.entry import Entry

log = logging.getLogger(__name__)

GROUP = 100
"""Reports of one transaction at most."""
GROUP_BYTES = 4 * 1024 * 1024
LONGEST_PAUSE_S = 0.2
PLACES = 1000
"""Places that are remembered of each reason."""
NOT_TAKEN = "the database does not take it"


@dataclass(slots=True)
class Refusal:
    """How often there was no report for one reason, and where at first."""

    count: int = 0
    places: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What became of everything that was read."""

    read: int = 0
    stored: int = 0
    already_there: int = 0
    refused: dict[str, Refusal] = field(default_factory=dict)

    @property
    def refused_count(self) -> int:
        """Entries without a report that can be stored."""
        return sum(refusal.count for refusal in self.refused.values())

    def refuse(self, place: str, reason: str) -> None:
        """Count what cannot be stored."""
        self.read += 1
        refusal = self.refused.setdefault(reason, Refusal())
        refusal.count += 1
        if len(refusal.places) < PLACES:
            refusal.places.append(place)

    def store(self, *, new: bool) -> None:
        """Count what is stored, now or before."""
        self.read += 1
        self.stored += new
        self.already_there += not new


def store(
    entries: Iterable[Entry], database: Database, now: Callable[[], datetime], on_group: Callable[[Tally], None]
) -> Tally:
    """Store all reports among the entries, and count; what is new is asked to be mined.

    Args:
        entries: see `Reader.read`.
        database: where to.
        now: the clock.
        on_group: called after each transaction, for progress.

    Raises:
        DatabaseUnavailableError: the database does not answer; what was stored before is stored.
    """
    tally = Tally()
    free_until = time.monotonic()
    for group in _groups(entries, tally):
        time.sleep(max(0.0, free_until - time.monotonic()))
        began = time.monotonic()
        _commit(group, database, now, tally)
        ended = time.monotonic()
        free_until = ended + min(ended - began, LONGEST_PAUSE_S)
        on_group(tally)
    return tally


def _groups(entries: Iterable[Entry], tally: Tally) -> Iterator[list[tuple[str, MessageArrival]]]:
    """Reports with their places, as many as one transaction takes; what is none is counted at once."""
    group: list[tuple[str, MessageArrival]] = []
    size = 0
    for entry in entries:
        if entry.arrival is None:
            tally.refuse(entry.place, entry.refusal or "")
            continue
        group.append((entry.place, entry.arrival))
        size += len(entry.arrival.raw)
        if len(group) >= GROUP or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    yield group


def _commit(
    group: Sequence[tuple[str, MessageArrival]], database: Database, now: Callable[[], datetime], tally: Tally
) -> None:
    """Write a group; if the database refuses it, each report alone."""
    if not group:
        return
    try:
        with database.write() as connection:
            news = reports.record_all(connection, [arrival for _, arrival in group])
            if any(new and arrival.reports for new, (_, arrival) in zip(news, group, strict=True)):
                mining_jobs.queue(connection, None, now())
    except RowsRefusedError:
        if len(group) > 1:
            for each in group:
                _commit([each], database, now, tally)
            return
        log.exception("report refused by the database")
        tally.refuse(group[0][0], NOT_TAKEN)
        return
    for new in news:
        tally.store(new=new)
