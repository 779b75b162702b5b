"""Tries another lexicon or other rules on the newest reports, beside the node's work: nothing is put in force.

A trial has a thread, and a process of its own that mines and stands back for whatever else wants the processor. How far
it is stands in the database, where every console sees it, and anybody who may can stop it there.
"""

import logging
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from db import lexicon_trials, minings
from db.engine import Database
from db.errors import DatabaseError
from db.lexicon_trials import LexiconTrial
from db.report_records import Mining, ReportText
from nlp import candidate
from nlp.aggregate import MinedReport, Policy
from nlp.datafiles import Sources
from nlp.errors import NlpError
from node.errors import SettingsError
from node.labels import mining
from node.labels.relabelling import Relabelling

log = logging.getLogger(__name__)

NEWEST = 2000
"""Reports that a trial mines."""
AT_ONCE = 64
"""After so many it says how far it is."""
CHANGES = 200
"""Changes that are kept one by one; all are counted."""


class UnderWayError(SettingsError):
    """Another trial has not ended."""


class Miners(Protocol):
    """Processes that mine (`nlp.workers.Pool`)."""

    def mine(self, reports: Iterable[ReportText], policy: Policy) -> Iterator[MinedReport]:
        """Mine reports in their order."""

    def close(self) -> None:
        """End the processes."""


@dataclass(slots=True, kw_only=True)
class Trials:
    """Begins trials, one at a time.

    Args:
        miners: what mines with these files.
    """

    database: Database
    miners: Callable[[Sources], Miners]
    language_model: str
    policy: Policy
    now: Callable[[], datetime]
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, file: str, content: str, actor: str) -> LexiconTrial:
        """Look at the file, and try it.

        Raises:
            SettingsError: the file is not what it must be.
            UnderWayError: another trial has not ended.
        """
        _require_usable(file, content)  # TOML holds no character that a database does not
        with self.database.write() as connection:
            ids = minings.newest_read(connection, NEWEST)
            begun = lexicon_trials.begin(
                connection, file=file, content=content, total=len(ids), actor=actor, now=self.now()
            )
        if begun is None:
            raise UnderWayError("another trial is under way; wait for it, or stop it")
        thread = threading.Thread(target=self._run, args=(begun, ids), name="trial", daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()
        return begun

    def join(self) -> None:
        """Wait until all that was begun here has ended."""
        for thread in self._threads:
            thread.join()

    def _run(self, trial: LexiconTrial, ids: Sequence[int]) -> None:
        try:
            ended = self._tried(trial, ids)
            with self.database.write() as connection:
                lexicon_trials.end(connection, trial.id, self.now(), **ended)
        except DatabaseError as error:
            # Its row says nothing more of it, and soon counts as ended.
            fields = {"trial": trial.id, "error": type(error).__name__}
            log.warning("trial of a lexicon broke off", extra={"fields": fields})

    def _tried(self, trial: LexiconTrial, ids: Sequence[int]) -> dict[str, Any]:
        """What came of it, as it is written down; of one that somebody has stopped that changes nothing."""
        try:
            with tempfile.TemporaryDirectory(prefix="cxr-lexicon-") as folder:
                sources = candidate.replaced(Path(folder), trial.file, trial.content)
                found = self._try(trial.id, ids, self.miners(sources))
            return {} if found is None else {"outcome": _outcome(found)}
        except NlpError as error:
            return {"error": f"{error}."}
        except DatabaseError:
            raise
        except Exception:
            log.exception("trial of a lexicon ended for a fault", extra={"fields": {"trial": trial.id}})
            return {"error": "A fault in the node ended it; the log says which."}

    def _try(self, trial_id: int, ids: Sequence[int], miners: Miners) -> Relabelling | None:
        """What would change; None if somebody stopped it."""

        def mine(reports: Iterable[ReportText]) -> Iterator[MinedReport]:
            return miners.mine(reports, self.policy)

        done = 0
        found = Relabelling()
        try:
            for batch in batches(mining.read(self.database, ids, mine, self.language_model, self.now), AT_ONCE):
                compare(self.database, found, batch)
                done += len(batch)
                with self.database.write() as connection:
                    if not lexicon_trials.go_on(connection, trial_id, done, self.now()):
                        return None
            return found
        finally:
            miners.close()


def _require_usable(file: str, content: str) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="cxr-lexicon-") as folder:
            candidate.replaced(Path(folder), file, content)
    except NlpError as error:
        raise SettingsError(str(error)) from error


def batches(readings: Iterator[Mining], size: int) -> Iterator[list[Mining]]:
    """Some readings at a time."""
    while batch := list(islice(readings, size)):
        yield batch


def compare(database: Database, found: Relabelling, batch: Sequence[Mining]) -> None:
    """Add to `found` what these readings would change of those that hold."""
    with database.read() as connection:
        held = minings.current(connection, [each.report_id for each in batch])
    found.add(held, batch)


def _outcome(found: Relabelling) -> dict[str, Any]:
    """As it is kept: without sentences, which are a patient's."""
    first = [asdict(each) for each in found.changes[:CHANGES]]
    for each in first:
        del each["sentence"]
    counts = [dict(zip(("finding", "old", "new", "reports"), row, strict=True)) for row in found.counts()]
    return {"compared": found.compared, "changed": found.changed, "counts": counts, "changes": first}
