"""What happened to a study, event by event, told from its rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from db.audit import AuditEntry
from db.dossier import READ_AGAIN, RETRACT, SEND_AGAIN, Dossier, ReportVersion
from db.records import Job, JobKind, JobState, StoredInstance
from db.result_records import Delivery, ResultKind

TOGETHER = timedelta(minutes=1)
"""What one sender sends with no longer pause is one event."""

KINDS = {
    ResultKind.SR: "report",
    ResultKind.SEG: "segmentation",
    ResultKind.OVERLAY: "overlay",
    ResultKind.GSPS: "presentation state",
    ResultKind.HEATMAP: "heat maps",
    ResultKind.CAD: "Chest CAD report",
    ResultKind.REJECTION: "rejection note",
    ResultKind.NOT_PROCESSED: "report that it was not read",
}
"""A kind of result in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. `worrying` if it went wrong."""

    at: datetime
    what: str
    detail: str = ""
    worrying: bool = False


def events(dossier: Dossier) -> list[Event]:
    """All that is known to have happened to a study, in order."""
    built = {each.job_id for each in dossier.results}
    found = [
        *_arrivals(dossier.instances),
        *(event for job in dossier.jobs if job.kind is JobKind.READ for event in _reading(job, built)),
        *(_unheard(job) for job in dossier.jobs if job.kind is JobKind.SHADOW and job.state is JobState.DONE),
        *_built(dossier),
        *_sent(dossier),
        *(_reported(each) for each in dossier.reports),
        *(_act(each) for each in dossier.acts),
    ]
    return sorted((each for each in found if each is not None), key=lambda event: event.at)


def _arrivals(instances: Iterable[StoredInstance]) -> Iterator[Event]:
    batch: list[StoredInstance] = []
    for each in instances:
        last = batch[-1] if batch else each
        if each.calling_ae != last.calling_ae or each.received_at - last.received_at > TOGETHER:
            yield _arrival(batch)
            batch = []
        batch.append(each)
    if batch:
        yield _arrival(batch)


def _arrival(batch: list[StoredInstance]) -> Event:
    return Event(
        at=batch[0].received_at, what="Received", detail=f"{_many(len(batch), 'object')} from {batch[0].calling_ae}"
    )


def _reading(job: Job, built: set[int]) -> Iterator[Event]:
    yield Event(at=job.created_at, what="Settled", detail=f"revision {job.revision}")
    if job.ended_at is None:
        return
    if job.state in (JobState.FAILED, JobState.DEAD):
        yield Event(at=job.ended_at, what="Not read", detail=job.error or job.error_code or "", worrying=True)
    elif job.error is not None:
        yield Event(at=job.ended_at, what="Not read", detail=job.error)
    else:
        detail = f"revision {job.revision}" + ("" if job.id in built else ", nothing new to say")
        yield Event(at=job.ended_at, what="Read", detail=detail)


def _unheard(job: Job) -> Event | None:
    return Event(at=job.ended_at, what="Read by the shadow model", detail="not sent") if job.ended_at else None


def _built(dossier: Dossier) -> Iterator[Event]:
    """Results are there when the job ends whose they are; until a retry ends that is when it began."""
    ended = {job.id: job.ended_at for job in dossier.jobs}
    for job_id, group in groupby(dossier.results, key=lambda each: each.job_id):
        made = list(group)
        kinds = dict.fromkeys(KINDS[ResultKind(each.kind)] for each in made)
        yield Event(
            at=ended.get(job_id) or made[0].created_at,
            what="Built",
            detail=f"{', '.join(kinds)} by {made[0].model_version}",
        )


def _sent(dossier: Dossier) -> Iterator[Event]:
    results = {each.id: each for each in dossier.results}

    def parcel(delivery: Delivery) -> tuple[str, int, bool]:
        of = results[delivery.result_id]
        return delivery.destination, of.revision, of.kind == ResultKind.REJECTION

    for (destination, revision, note), group in groupby(sorted(dossier.deliveries, key=parcel), key=parcel):
        some = list(group)
        what = "rejection note" if note else f"revision {revision}"
        for verb, times in (
            ("Sent to", [each.sent_at for each in some if each.sent_at]),
            ("Committed by", [each.committed_at for each in some if each.committed_at]),
        ):
            if times:
                yield Event(
                    at=max(times), what=f"{verb} {destination}", detail=f"{_many(len(times), 'object')}, {what}"
                )


def _reported(version: ReportVersion) -> Event:
    return Event(at=version.received_at, what="Report received", detail=version.status)


def _act(entry: AuditEntry) -> Event:
    what = {
        READ_AGAIN: "Asked to be read again",
        SEND_AGAIN: f"Asked to be sent again to {entry.detail.get('destination')}",
        RETRACT: "Results taken back",
    }[entry.action]
    reason = f", {str(entry.detail['reason']).replace('_', ' ')}" if "reason" in entry.detail else ""
    return Event(at=entry.at, what=what, detail=f"by {entry.actor}{reason}")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
