"""Which results go to which destination."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from db import awakening, deliveries, studies
from db.engine import Connection, queue_for
from db.records import Job, JobKind
from db.result_records import DEFAULT_KINDS, READ_KINDS, DeliveryState, ResultKind

_ALWAYS = frozenset({ResultKind.NOT_PROCESSED})
PROFILES: Mapping[str, frozenset[ResultKind]] = {
    "ohif": frozenset({ResultKind.SR, ResultKind.SEG, ResultKind.OVERLAY}) | _ALWAYS,
    "weasis": frozenset({ResultKind.SR, ResultKind.SEG, ResultKind.GSPS, ResultKind.OVERLAY}) | _ALWAYS,
    "pacs-minimal": frozenset({ResultKind.SR, ResultKind.OVERLAY}) | _ALWAYS,
    "full": READ_KINDS | _ALWAYS,
}
"""What a kind of viewer can show. A note that a study was not read goes to all, where the node makes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A destination, the kinds of results it gets, and whether only studies with a finding go there.

    With `return_to_sender` it stands for everybody who sent an image of the study.
    """

    name: str
    kinds: frozenset[ResultKind]
    only_above: bool = False
    return_to_sender: bool = False


def back_to(name: str, ae_title: str) -> str:
    """What a destination that stands for senders is called for one of them; no other name has a colon."""
    return f"{name}:{ae_title}"


def kinds_of(routes: Iterable[Route]) -> frozenset[ResultKind]:
    """The kinds to build of a study that was read: what anybody gets, and always the report, which later ones name."""
    wanted = frozenset[ResultKind]().union(*(route.kinds for route in routes)) & READ_KINDS
    return wanted | {ResultKind.SR} if wanted else DEFAULT_KINDS


def queue_for_results(connection: Connection, job: Job) -> None:
    """Wait until nobody else adds results of this study, or ends a job that sends them: neither misses the other."""
    queue_for(connection, f"results:{job.subject_id}")


def dispatch(
    connection: Connection,
    routes: Sequence[Route],
    job: Job,
    made: Collection[tuple[int, str]],
    *,
    above: bool,
    now: datetime,
) -> list[int | None]:
    """Queue results, by row id and kind, on their ways. Returns the ids of the new jobs.

    What goes back to the senders has a way of its own to each of them, so that none waits for another. Where a
    destination gets only studies with a finding `above` its operating point, the others are withheld; but a study that
    it has results of gets the new ones too, or it would go on to show what does not hold any more.
    """
    new_jobs = []
    queue_for_results(connection, job)
    for route in routes:
        result_ids = [result_id for result_id, kind in made if kind in route.kinds]
        for name in _names(connection, route, job.subject_id) if result_ids else ():
            if route.only_above and not above and not deliveries.known(connection, job.subject_id, name):
                deliveries.add(connection, result_ids, name, DeliveryState.WITHHELD)
                continue
            deliveries.add(connection, result_ids, name)
            new_jobs.append(
                awakening.add_or_reopen(
                    connection,
                    kind=JobKind.DELIVER,
                    subject_id=job.subject_id,
                    revision=job.revision,
                    destination=name,
                    now=now,
                )
            )
    return new_jobs


def _names(connection: Connection, route: Route, study_id: int) -> list[str]:
    if not route.return_to_sender:
        return [route.name]
    return [back_to(route.name, ae_title) for ae_title in studies.calling_aes(connection, study_id)]
