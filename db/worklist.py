"""The worklist: studies newest first, how far each has got, and what was found in it.

Theory of operation. A page is asked for by what it begins after (a study), never by how many rows come before it. One
of the things that are asked for leads: what finds the fewest studies, by an index that has them in order of their time.
All else is looked at study by study, of `WINDOW` studies at the most; so a page takes the same time whatever is asked
for, and says where to look further when it is not full.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    RowMapping,
    Select,
    Tuple,
    and_,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)

from db import positives
from db.deliveries import IS_UNSETTLED
from db.jobs import ENDED_BADLY, UNDONE
from db.positives import Positive
from db.progress import AMISS, SETTLED_BY_STATE, STATES, Progress, of_study
from db.records import JobKind, JobState, Study, StudyState
from db.result_records import DeliveryState
from db.schema import Utc, delivery, instance, job, positive, result, study
from db.sought import sought

WINDOW = 2000
"""How many studies are looked at for one page."""
NEAR = 500
"""How many studies are looked at for the one beside another."""
_AFTER_ALL = "\U0010ffff"
_RUNNING = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What studies are asked for; what is None does not matter.

    `received_from` and `received_before` bound when the first instance came. `patient` is a patient id, or how the
    name begins.
    """

    progress: Progress | None = None
    finding: str | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    calling_ae: str | None = None
    accession_number: str | None = None
    patient: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A study in the list. `reason` says why it was not read or failed; `findings` are empty once retracted."""

    study: Study
    progress: Progress
    reason: str | None
    findings: tuple[Positive, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of the list. `after` is the study from which to go on, None at the end.

    `looked_back_to` is when the last study came that was looked at, where there may be more than the page could find.
    """

    rows: tuple[Listed, ...]
    after: int | None
    looked_back_to: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The study next to another in the list. `ends` if the list has none there.

    With neither there was none among the `NEAR` studies that were looked at.
    """

    study_instance_uid: str | None
    ends: bool


def listing(connection: Connection, wanted: Wanted, *, limit: int, after: int | None = None) -> Listing:
    """Studies that are as wanted, the newest first, after the study of row id `after`."""
    led, rest = _led(wanted)
    candidates = _beyond(led, None if after is None else _place(connection, after))
    window = candidates.limit(WINDOW if rest else limit + 1).subquery("candidates")
    query = (
        select(*(study.c[field.name] for field in fields(Study)), of_study().label("progress"))
        .join_from(window, study, study.c.id == window.c.id)
        .where(*rest)
        .order_by(window.c.at.desc(), window.c.id.desc())
        .limit(limit + 1)
    )
    found = connection.execute(query).mappings().all()
    rows = _listed(connection, found[:limit])
    if len(found) > limit:
        return Listing(rows=rows, after=rows[-1].study.id, looked_back_to=None)
    last = connection.execute(candidates.offset(WINDOW - 1).limit(1)).first() if rest else None
    if last is None:
        return Listing(rows=rows, after=None, looked_back_to=None)
    return Listing(rows=rows, after=last.id, looked_back_to=last.at)


def beside(connection: Connection, wanted: Wanted, study_id: int, *, newer: bool) -> Beside:
    """What stands next to a study in the list of what is wanted, be the study itself in that list or not."""
    led, rest = _led(wanted)
    candidates = _beyond(led, _place(connection, study_id), newer=newer)
    window = candidates.limit(NEAR if rest else 1).subquery("candidates")
    query = select(study.c.study_instance_uid).join_from(window, study, study.c.id == window.c.id).where(*rest)
    order = (window.c.at, window.c.id) if newer else (window.c.at.desc(), window.c.id.desc())
    uid = connection.execute(query.order_by(*order).limit(1)).scalar()
    further = uid is None and bool(rest) and connection.execute(candidates.offset(NEAR - 1).limit(1)).first()
    return Beside(study_instance_uid=uid, ends=uid is None and not further)


def mark(connection: Connection) -> str:
    """Something that is another once a study came, or one of the list has got further; quick, whatever there is."""
    newest = (select(func.max(table.c.id)).scalar_subquery() for table in (study, instance, job, result, delivery))
    arriving = select(func.count()).where(study.c.settle_at.is_not(None)).scalar_subquery()
    asked = select(func.count()).where(IS_UNSETTLED, delivery.c.state == DeliveryState.ASKED).scalar_subquery()
    queued = select(func.count()).where(UNDONE, job.c.state == JobState.QUEUED).scalar_subquery()
    numbers = connection.execute(select(*newest, arriving, asked, queued)).one()
    running = select(job.c.id).where(UNDONE, job.c.state == JobState.RUNNING).limit(_RUNNING)
    return ".".join(str(number or 0) for number in (*numbers, *sorted(connection.execute(running).scalars())))


def _led(wanted: Wanted) -> tuple[Select[Any], list[ColumnElement[bool]]]:
    """The studies to look at, as `id` and `at`; and what each of them has to be besides."""
    rest = _conditions(wanted)
    candidates = _leading(wanted, rest)
    _, at = candidates.selected_columns
    if wanted.received_from is not None:
        candidates = candidates.where(at >= wanted.received_from)
    if wanted.received_before is not None:
        candidates = candidates.where(at < wanted.received_before)
    return candidates, list(rest.values())


def _place(connection: Connection, study_id: int) -> Tuple:
    """Where a study stands in the order of the list."""
    at = connection.execute(select(study.c.first_received_at).where(study.c.id == study_id)).scalar()
    return tuple_(literal(at, Utc()), literal(study_id))


def _beyond(candidates: Select[Any], place: Tuple | None, *, newer: bool = False) -> Select[Any]:
    """Candidates from a place on: the older ones below it, or the newer ones above it, the nearest first."""
    number, at = candidates.selected_columns
    here = tuple_(at, number)
    if newer:
        return candidates.where(here > place).order_by(at, number)
    below = candidates if place is None else candidates.where(here < place)
    return below.order_by(at.desc(), number.desc())


def _conditions(wanted: Wanted) -> dict[str, ColumnElement[bool]]:
    """What a study has to be, by what was asked for."""
    found: dict[str, ColumnElement[bool]] = {}
    if wanted.accession_number is not None:
        found["accession_number"] = study.c.accession_number == wanted.accession_number
    if wanted.patient is not None:
        found["patient"] = or_(study.c.patient_id == wanted.patient, _begins(wanted.patient))
    if wanted.finding is not None:
        mine = (positive.c.study_id == study.c.id, positive.c.finding == wanted.finding)
        found["finding"] = exists().where(*mine).correlate(study)
    if wanted.calling_ae is not None:
        found["calling_ae"] = study.c.calling_ae == wanted.calling_ae
    if wanted.progress is not None:
        found["progress"] = of_study() == wanted.progress
    return found


def _leading(wanted: Wanted, rest: dict[str, ColumnElement[bool]]) -> Select[Any]:
    """The studies by what finds the fewest of them; what that settles is taken out of `rest`."""
    if wanted.accession_number is not None:
        return _few(_IN_ORDER.where(rest.pop("accession_number")))
    if wanted.patient is not None:
        del rest["patient"]
        by_id = _IN_ORDER.where(study.c.patient_id == wanted.patient)
        return _few(union(by_id, _IN_ORDER.where(_begins(wanted.patient))))
    if wanted.progress is Progress.UNDELIVERED:
        return _few(_UNDELIVERED)
    return _in_order(wanted, rest)


def _in_order(wanted: Wanted, rest: dict[str, ColumnElement[bool]]) -> Select[Any]:
    """The same, where there may be very many: an index has them in their order."""
    if wanted.finding is not None:
        del rest["finding"]
        found = select(positive.c.study_id.label("id"), positive.c.received_at.label("at"))
        return found.where(positive.c.finding == wanted.finding)
    if wanted.calling_ae is not None:
        return _IN_ORDER.where(rest.pop("calling_ae"))
    if wanted.progress is not None:
        if wanted.progress in SETTLED_BY_STATE:
            del rest["progress"]
        return _IN_ORDER.where(study.c.state == STATES.get(wanted.progress, StudyState.READ))
    return _IN_ORDER


def _few(found: Select[Any] | CompoundSelect[Any]) -> Select[Any]:
    """Studies that are so few that all are found first and then put in order; the planner is not to do it otherwise."""
    matched = found.cte("matched").prefix_with("MATERIALIZED")
    return select(matched.c.id, matched.c.at)


def _begins(typed: str) -> ColumnElement[bool]:
    """Whether the patient's name begins as somebody typed it, as a stretch of the index."""
    beginning = sought(typed)
    if not beginning:
        return false()  # every name begins with nothing
    return and_(study.c.sought_name >= beginning, study.c.sought_name < beginning + _AFTER_ALL)


_IN_ORDER = select(study.c.id, study.c.first_received_at.label("at"))
_UNDELIVERED = union(
    _IN_ORDER.join(result, result.c.study_id == study.c.id)
    .join(delivery, delivery.c.result_id == result.c.id)
    .where(IS_UNSETTLED, delivery.c.state.in_(AMISS)),
    _IN_ORDER.join(job, job.c.subject_id == study.c.id).where(
        UNDONE, job.c.kind == JobKind.DELIVER, job.c.state.in_(ENDED_BADLY)
    ),
)


def _listed(connection: Connection, rows: Sequence[RowMapping]) -> tuple[Listed, ...]:
    positive_in = positives.of_studies(connection, [row["id"] for row in rows])
    reasons = _reasons(connection, [row["id"] for row in rows if row["state"] in _WITH_REASON])
    found = []
    for row in rows:
        progress = Progress(row["progress"])
        facts = {field.name: row[field.name] for field in fields(Study)} | {"state": StudyState(row["state"])}
        findings = () if progress is Progress.RETRACTED else positive_in.get(row["id"], ())
        reason = reasons.get(row["id"])
        found.append(Listed(study=Study(**facts), progress=progress, reason=reason, findings=findings))
    return tuple(found)


_WITH_REASON = (StudyState.NOT_READ, StudyState.FAILED)


def _reasons(connection: Connection, study_ids: Collection[int]) -> dict[int, str | None]:
    """What the last read job of each of these studies said when it ended."""
    query = select(job.c.subject_id, job.c.error).where(job.c.subject_id.in_(list(study_ids)))
    query = query.where(job.c.kind == JobKind.READ).order_by(job.c.id)
    return dict(connection.execute(query).all()) if study_ids else {}
