"""Mining jobs: stored reports become labels with their evidence.

A job mines every report version up to its subject that the miner in force has not mined, some hundred a transaction.
What is written stays written: a job that is taken up again goes on where the last attempt stopped, and two workers on
one backlog write each reading once. The miner lives in a process of its own, so that it takes neither memory nor the
interpreter from reception.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, tee

from db import mining_jobs, minings, reports
from db.engine import Database
from db.records import Job, JobState
from db.report_records import MinedMention, MinerIdentity, Mining, ReportText
from db.vocabulary import Assertion
from nlp import miner
from nlp.aggregate import Evidence, MinedReport, Policy
from nlp.errors import NlpError, WorkerLostError
from nlp.language import Readability
from nlp.workers import LONGEST, Pool
from node.telemetry.metrics import Metrics, measure
from node.worker import Ending

log = logging.getLogger(__name__)

BATCH = 256
"""Reports whose texts are read at once."""
WRITTEN = 64
"""Reports whose readings are written in one transaction; a message that arrives waits for it."""
MISSING_DELAY_S = 300.0
"""How long a job waits for a miner that is not installed."""
BEHIND = 10_000
"""Ids that are looked at again after a whole pass: ids are given before their rows are committed, in any order."""

Mine = Callable[[Iterable[ReportText]], Iterator[MinedReport]]
"""Mines reports in their order."""


@dataclass(slots=True, kw_only=True)
class ReportMining:
    """Runs mining jobs, one at a time.

    Args:
        pool: the processes that mine.
        language_model: what they mine with, as the settings name it.
    """

    database: Database
    pool: Pool
    language_model: str
    policy: Policy
    now: Callable[[], datetime]
    metrics: Metrics = field(default_factory=measure)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _mined_to: int = 0

    def __call__(self, job: Job) -> Ending:
        """Mine what the job asks for."""
        try:
            if not self._stopping.is_set():
                self._mine(self.identity(), job.subject_id)
        except WorkerLostError:
            if not self._stopping.is_set():
                raise
        except NlpError as error:
            return Ending(state=JobState.QUEUED, error_code="miner_missing", error=f"{error}.", delay_s=MISSING_DELAY_S)
        if self._stopping.is_set():
            self.pool.close()  # a process that began while the others were ended
            return Ending(
                state=JobState.QUEUED, error_code="stopped", error="The node stopped; it goes on later.", delay_s=1
            )
        return Ending(state=JobState.DONE)

    def identity(self) -> MinerIdentity:
        """The miner in force.

        Raises:
            nlp.errors.NlpError: it is not installed.
        """
        return miner.identity(self.language_model, self.policy)

    def catch_up(self) -> int | None:
        """Queue what the miner in force has not mined, as after a change of the policy. Returns the job's id."""
        try:
            identity = self.identity()
        except NlpError as error:
            log.warning("reports are not mined", extra={"fields": {"reason": str(error)}})
            return None
        with self.database.read() as connection:
            if not minings.unmined(connection, identity, limit=1):
                return None
        with self.database.write() as connection:
            newest = reports.newest(connection) or 0
            return mining_jobs.queue(connection, newest, self.now(), at_once=True)

    def stop(self) -> None:
        """End the processes; the job that runs goes back to the queue."""
        self._stopping.set()
        self.pool.close()

    def _mine(self, identity: MinerIdentity, up_to: int) -> None:
        with self.database.read() as connection:
            ids = minings.unmined(connection, identity, after=self._mined_to, up_to=up_to)

        def mine(reports: Iterable[ReportText]) -> Iterator[MinedReport]:
            return self.pool.mine(reports, self.policy)

        readings = read(self.database, ids, mine, identity.language_model, self.now)
        for _ in store(self.database, self._counted(readings)):
            if self._stopping.is_set():
                return
        self._mined_to = max(self._mined_to, up_to - BEHIND)

    def _counted(self, readings: Iterable[Mining]) -> Iterator[Mining]:
        for each in readings:
            self.metrics.mined.inc()
            self.metrics.labels.inc(len(each.labels))
            yield each


def read(
    database: Database, ids: Sequence[int], mine: Mine, language_model: str, now: Callable[[], datetime]
) -> Iterator[Mining]:
    """Mine these stored report versions, in their order."""
    stored, again = tee(_texts(database, ids))
    for mined in mine(again):
        report_id = next(stored).id
        if mined.readability is Readability.FAULT:
            log.error("report not mined for a fault", extra={"fields": {"report": report_id}})
        yield reading(report_id, mined, language_model, now())


def store(database: Database, readings: Iterator[Mining]) -> Iterator[int]:
    """Write readings as they come, each batch in a transaction; yields how many it held, when they are on disk."""
    while batch := list(islice(readings, WRITTEN)):
        with database.write() as connection:
            minings.record(connection, batch)
        yield len(batch)


def reading(report_id: int, mined: MinedReport, language_model: str, at: datetime) -> Mining:
    """What mining said of a report version, as it is kept."""
    return Mining(
        report_id=report_id,
        miner=MinerIdentity(
            lexicon_version=mined.lexicon_version,
            rules_version=mined.rules_version,
            language_model=language_model,
            policy=mined.policy,
        ),
        readability=mined.readability,
        normal=mined.normal,
        mined_at=at,
        mentions=tuple(_mention(item) for item in mined.evidence),
        labels={
            label.finding: mined.evidence.index(label.evidence)
            for label in mined.labels
            if label.evidence is not None and label.assertion is not Assertion.UNMENTIONED
        },
    )


def _mention(item: Evidence) -> MinedMention:
    return MinedMention(
        concept=item.concept.name,
        code=item.concept.code.value,
        scheme=item.concept.code.scheme,
        kind=item.concept.kind,
        finding=item.concept.finding,
        assertion=item.assertion,
        sentence=item.sentence,
        start=item.start,
        end=item.end,
        section=item.section,
        rule_id=item.rule_id,
        fired=item.fired,
    )


def _texts(database: Database, ids: Sequence[int]) -> Iterator[ReportText]:
    for start in range(0, len(ids), BATCH):
        with database.read() as connection:
            found = minings.texts(connection, ids[start : start + BATCH], LONGEST + 1)
        yield from found
