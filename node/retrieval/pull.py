"""Bring studies in from an archive, by the intake that C-STORE has: durable, bit for bit, and each object once.

What is wanted is asked for, the studies that are found and not here are fetched, and each is then linked to the reports
that wait for it, or read. A row says from before the first object until after the last that a study is on its way
(`db.pulls`): what was cut off, by whatever, is taken up again by the next pull from there. Nothing else is remembered.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from db import links, pulls
from db.engine import Database
from node.collection.archive import FULL, settle
from node.dicom.source import Fetched, Found, Series, Source, SourceError, SourceLine, Wanted
from node.errors import OUT_OF_RESOURCES, RefusedError, SettingsError, UnreachableError
from node.file_meta import Origin
from node.header import is_uid
from node.intake import TOO_LARGE, Intake

log = logging.getLogger(__name__)

CHEST = frozenset({"CR", "DX"})
"""Modalities of which a series may be a chest radiograph."""
NO_IMAGES = frozenset(("SR", "PR", "KO", "SEG", "DOC", "REG", "AU", "ECG", "PLAN", "RTSTRUCT", "FID", "RWV", "M3D"))
"""Modalities whose objects are none that the node takes."""
IN_A_ROW = 10
"""After so many studies over which the source broke off, it is left."""
ASTRAY = "does cxr serve run, and are this node's host and port right there?"
WILD = frozenset("*?\\")
"""Characters that make a question of more than one number (DICOM PS3.4 C.2.2.2)."""


class Outcome(StrEnum):
    """What became of something that was wanted, or of one of the studies under it."""

    BROUGHT_IN = "brought in"
    WOULD_COME = "would be brought in"
    HERE = "already here"
    NOT_FOUND = "not found"
    NO_CHEST = "no series of a chest radiograph"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One outcome; `words` say what a failure was, and what to do."""

    outcome: Outcome
    study_instance_uid: str = ""
    new: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    words: str = ""
    modalities: tuple[str, ...] = ()
    instances: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """Brings studies in from one source.

    `intake` keeps what it receives; `read` then has the studies read. `pace` waits for a study's turn, `may_go_on` says
    whether the next may be begun. With `dry_run` nothing is fetched.
    """

    name: str
    source: Source
    database: Database
    intake: Intake
    chest_only: bool
    now: Callable[[], datetime]
    pace: Callable[[], None]
    may_go_on: Callable[[], bool]
    read: bool = False
    dry_run: bool = False

    def missing(self) -> list[Wanted]:
        """What reports wait for, and then what an earlier pull from this source left unfinished."""
        with self.database.read() as connection:
            named = [
                Wanted(study_instance_uid=uid, accession_number=number) for uid, number in links.waiting(connection)
            ]
            return named + [Wanted(study_instance_uid=uid) for uid in pulls.begun(connection, self.name)]

    def bring(self, wanted: Iterable[Wanted], limit: int | None, on_done: Callable[[Wanted, Done], None]) -> bool:
        """Bring in what is wanted, at most `limit` studies of it; `on_done` hears of each.

        Returns:
            False if it was not to go on.

        Raises:
            UnreachableError: the source cannot be reached, or broke off again and again.
            SettingsError: the disk is nearly full.
            db.errors.DatabaseError: the database does not answer.
        """
        seen: set[str] = set()
        come = broken = 0
        for each in wanted:
            if not self.may_go_on():
                return False
            if come == limit:
                return True
            try:
                dones = self._bring(each, seen, None if limit is None else limit - come)
                broken = 0
            except _BrokenError as error:
                broken += 1
                dones = [*error.dones, _failed(error.study_instance_uid, str(error.reason))]
                if broken == IN_A_ROW:
                    raise error.reason from error
            come += sum(done.outcome in (Outcome.BROUGHT_IN, Outcome.WOULD_COME) for done in dones)
            for done in dones:
                on_done(each, done)
        return True

    def _bring(self, wanted: Wanted, seen: set[str], room: int | None) -> list[Done]:
        """One that is wanted; the line is lent for as long as that takes."""
        if not _askable(wanted):
            return [_failed("", "its number or UID cannot be asked for: it would mean other studies too")]
        with self.database.read() as connection:
            if wanted.study_instance_uid and pulls.is_here(connection, wanted.study_instance_uid):
                return [Done(outcome=Outcome.HERE, study_instance_uid=wanted.study_instance_uid)]
        dones: list[Done] = []
        under_way = wanted.study_instance_uid
        with self.source.line() as line:
            try:
                found = self._found(line, wanted)
                for each in (each for each in found if each.study_instance_uid not in seen):
                    if room is not None and len(dones) == room:
                        break
                    under_way = each.study_instance_uid
                    seen.add(under_way)
                    dones.append(self._study(line, each))
            except (UnreachableError, SourceError) as error:
                raise _BrokenError(error, dones, under_way) from error
        if not found:
            self._end(wanted.study_instance_uid)  # whatever came of it before is all there is
            return [Done(outcome=Outcome.NOT_FOUND, study_instance_uid=wanted.study_instance_uid)]
        return dones

    def _found(self, line: SourceLine, wanted: Wanted) -> list[Found]:
        """The studies that are really what was asked for; a source may answer with anything."""
        if wanted.study_instance_uid:
            found = line.studies(Wanted(study_instance_uid=wanted.study_instance_uid))
            found = [each for each in found if each.study_instance_uid == wanted.study_instance_uid][:1]
            if found or not _one(wanted.accession_number):
                return found
        found = line.studies(Wanted(accession_number=wanted.accession_number))
        named = {each.study_instance_uid: each for each in found if each.accession_number == wanted.accession_number}
        return [each for uid, each in named.items() if is_uid(uid)]

    def _study(self, line: SourceLine, found: Found) -> Done:
        """A study that the source has."""
        uid = found.study_instance_uid
        with self.database.read() as connection:
            if pulls.is_here(connection, uid):
                return Done(outcome=Outcome.HERE, study_instance_uid=uid)
        if self.chest_only and found.modalities and not found.modalities & CHEST:
            return Done(outcome=Outcome.NO_CHEST, study_instance_uid=uid)
        series = [each for each in line.series(uid) if self._of_use(each)]
        if not series:
            self._end(uid)
            return Done(outcome=Outcome.NO_CHEST, study_instance_uid=uid)
        if self.dry_run:
            counts = [each.instances for each in series]
            return Done(
                outcome=Outcome.WOULD_COME,
                study_instance_uid=uid,
                modalities=tuple(sorted({each.modality for each in series})),
                instances=None if None in counts else sum(filter(None, counts)),
            )
        self.pace()
        return self._fetch(line, uid, [each.series_instance_uid for each in series])

    def _of_use(self, series: Series) -> bool:
        if not is_uid(series.series_instance_uid):
            return False
        return series.modality in CHEST if self.chest_only else series.modality not in NO_IMAGES

    def _fetch(self, line: SourceLine, uid: str, series: Sequence[str]) -> Done:
        with self.database.write() as connection:
            before = pulls.instance_count(connection, uid)
            pulls.begin(connection, uid, self.name, self.now())

        def take(fragments: Iterable[bytes], origin: Origin) -> None:
            try:
                self.intake.receive(fragments, origin, uid)
            except RefusedError as error:
                if error.status == OUT_OF_RESOURCES and error.comment != TOO_LARGE:
                    raise SettingsError(FULL) from error
                raise

        try:
            fetched = line.fetch(uid, series, take)
        finally:
            self._settle(uid)  # what came before it broke off is linked all the same
        with self.database.read() as connection:
            here = pulls.instance_count(connection, uid)
        return self._ended(uid, fetched, new=here - before, here=here)

    def _ended(self, uid: str, fetched: Fetched, *, new: int, here: int) -> Done:
        """Judge a study by what is here, not by what was said."""
        log.info("pulled", extra={"fields": {"study_instance_uid": uid, "new": new, "failed": fetched.failed}})
        if fetched.failed:
            words = (
                f"{self.name} could not send {fetched.failed} of its objects; begin again, it is asked for them again"
            )
            return Done(outcome=Outcome.FAILED, study_instance_uid=uid, new=new, refused=fetched.refused, words=words)
        if not here and not fetched.refused:
            words = f"{self.name} sent nothing of it"
            if fetched.taken:
                words = f"{self.name} says that it sent {fetched.taken} objects, but none came: {ASTRAY}"
            return Done(outcome=Outcome.FAILED, study_instance_uid=uid, words=words)
        self._end(uid)
        if not here:
            words = "nothing of it was taken"
            return Done(outcome=Outcome.FAILED, study_instance_uid=uid, refused=fetched.refused, words=words)
        return Done(outcome=Outcome.BROUGHT_IN, study_instance_uid=uid, new=new, refused=fetched.refused)

    def _settle(self, uid: str) -> None:
        with self.database.write() as connection:
            settle(connection, [uid], self.now(), read=self.read)

    def _end(self, uid: str) -> None:
        if self.dry_run:
            return
        with self.database.write() as connection:
            pulls.end(connection, uid, self.name)


class _BrokenError(Exception):
    """A source broke off over a study; what was done under the same wanted one before is done."""

    def __init__(self, reason: UnreachableError | SourceError, dones: list[Done], study_instance_uid: str) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.dones = dones
        self.study_instance_uid = study_instance_uid


def _failed(uid: str, words: str) -> Done:
    return Done(outcome=Outcome.FAILED, study_instance_uid=uid, words=words)


def _askable(wanted: Wanted) -> bool:
    """Whether the question means this one alone: an empty key matches everything, and some characters more than one."""
    uid = wanted.study_instance_uid
    return is_uid(uid) if uid else _one(wanted.accession_number)


def _one(number: str) -> bool:
    return bool(number.strip()) and not WILD.intersection(number)
