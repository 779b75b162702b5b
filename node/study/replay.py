"""What a model would say of a study's revision again, beside what was said: for the review of an incident.

The images are read anew by the same model; identity, times and predecessor are those of the job. Nothing is remembered,
written to the database or sent.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread

from db import jobs, results, studies
from db.engine import Connection
from db.records import Job, JobKind, StoredInstance, Study
from db.result_records import READ_KINDS, REPORT_KINDS, Result, ResultKind
from db.vocabulary import Reason
from inference import image_file
from inference.errors import NotReadable
from inference.policy import Policy
from node.models.service import ModelInService
from node.objects import bundle, encoding, unread
from node.objects.identity import Identity
from node.objects.reading import Reading
from node.objects.result import ResultObject
from node.sections.running import ReadingSettings
from node.study.known import name_of
from node.study.look import reading_of
from node.upkeep import quarantine

OF_IMAGES = READ_KINDS | {ResultKind.NOT_PROCESSED}
"""What is made of a study's images, and can be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A revision as it was: what was made, by which job, of which images, and what came before it."""

    study: Study
    job: Job
    model_version: str
    made: tuple[Result, ...]
    read: tuple[StoredInstance, ...]
    there: tuple[StoredInstance, ...]
    predecessor: Result | None
    note: Result | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An object of then beside the one of now: their digests, None for one that is not there.

    `intact` says whether the store has it as it was built; `software_version` is of the node that made it.
    """

    kind: str
    sop_instance_uid: str
    stored: str | None
    rebuilt: str | None
    intact: bool
    software_version: str
    data: bytes | None

    @property
    def same(self) -> bool:
        """Byte for byte."""
        return self.stored == self.rebuilt


def remember(
    connection: Connection, study: Study, model_version: str | None = None, revision: int | None = None
) -> Past | None:
    """The last revision with results, or the one that is named; None if there is none such."""
    wanted = range(study.revision, 0, -1) if revision is None else [revision]
    for number in wanted:
        found = [each for each in results.of_revision(connection, study.id, number) if each.kind in OF_IMAGES]
        made = tuple(each for each in found if model_version in (None, each.model_version))
        if made:
            return _past(connection, study, number, made)
    return None


def _past(connection: Connection, study: Study, revision: int, made: tuple[Result, ...]) -> Past:
    job = jobs.get(connection, made[-1].job_id)
    version = made[-1].model_version
    following = jobs.find(connection, JobKind.READ, study.id, revision + 1)
    until = following.created_at if following else None
    instances = studies.instances(connection, study.id)
    seen = set(results.seen_by(connection, study.id, version, until))
    return Past(
        study=study,
        job=job,
        model_version=version,
        made=tuple(each for each in made if each.model_version == version),
        read=tuple(each for each in instances if each.id in seen),
        there=tuple(each for each in instances if until is None or each.received_at < until),
        predecessor=results.predecessor(connection, study.id, revision, REPORT_KINDS, job.ended_at),
        note=results.note(connection, study.id, revision, ResultKind.NOT_PROCESSED, job.ended_at),
    )


def compare(past: Past, model: ModelInService, path: Callable[[str], Path], reading: ReadingSettings) -> list[Compared]:
    """Build a revision's objects again and set them beside the stored ones.

    Args:
        past: the revision.
        model: the one that made it.
        path: where a stored object lies.
        reading: the settings; their language must be what it was.

    Raises:
        NotReadable: an image that was read then cannot be read now.
    """
    rebuilt = {
        each.sop_instance_uid: (each.kind, encoding.encode(each.dataset))
        for each in _rebuilt(past, model, path, reading)
    }
    compared = [_beside(each, path, rebuilt.pop(each.sop_instance_uid, None)) for each in past.made]
    for uid, (kind, data) in rebuilt.items():
        compared.append(
            Compared(
                kind=kind,
                sop_instance_uid=uid,
                stored=None,
                rebuilt=hashlib.sha256(data).hexdigest(),
                intact=False,
                software_version="",
                data=data,
            )
        )
    return compared


def _rebuilt(
    past: Past, model: ModelInService, path: Callable[[str], Path], reading: ReadingSettings
) -> Iterator[ResultObject]:
    identity = Identity(
        study_instance_uid=past.study.study_instance_uid,
        revision=past.job.revision,
        model_version=past.model_version,
    )
    created, uid = past.job.created_at, past.study.study_instance_uid
    kinds = frozenset(ResultKind(each.kind) for each in past.made)
    if kinds & READ_KINDS and past.read:
        yield from bundle.build(
            [_read_again(each, model, path, reading.max_pixels) for each in past.read],
            identity=identity,
            model=model.description,
            created=created,
            predecessor=name_of(past.note or past.predecessor, uid),
            kinds=kinds & READ_KINDS,
            language=reading.language,
        )
    if ResultKind.NOT_PROCESSED in kinds:
        note = unread.build(
            list(_not_read(past.there, path, reading.policy, reading.max_pixels)),
            identity=identity,
            model=model.description,
            created=created,
            predecessor=name_of(past.predecessor, uid),
            language=reading.language,
        )
        if note is not None:
            yield note


def _read_again(
    instance: StoredInstance, model: ModelInService, path: Callable[[str], Path], max_pixels: int
) -> Reading:
    if instance.absence is not None:
        raise quarantine.unreadable(instance.absence)
    lenient = Policy(accept_unknown_view=True, accept_unknown_body_part=True)  # it was read, whatever is asked today
    image = image_file.read(path(instance.path), lenient, max_pixels)
    if image.header is None:
        raise NotReadable(Reason.NOT_IMAGE, Reason.NOT_IMAGE.sentence)
    return reading_of(image, image.header, model.classify(image))


def _not_read(
    instances: Sequence[StoredInstance], path: Callable[[str], Path], policy: Policy, max_pixels: int
) -> Iterator[tuple[Path, Reason]]:
    """The files that are not to be read, with the reason."""
    for each in instances:
        if each.reason is Reason.DUPLICATE_UID:
            yield path(each.path), each.reason
            continue
        try:
            image_file.read(path(each.path), policy, max_pixels)
        except NotReadable as error:
            yield path(each.path), error.reason


def _beside(stored: Result, path: Callable[[str], Path], rebuilt: tuple[ResultKind, bytes] | None) -> Compared:
    file = path(stored.path)
    try:
        intact = hashlib.sha256(file.read_bytes()).hexdigest() == stored.sha256
        versions = dcmread(file, stop_before_pixels=True).get("SoftwareVersions", "") if intact else ""
    except OSError:
        intact, versions = False, ""
    data = None if rebuilt is None else rebuilt[1]
    return Compared(
        kind=stored.kind,
        sop_instance_uid=stored.sop_instance_uid,
        stored=stored.sha256,
        rebuilt=None if data is None else hashlib.sha256(data).hexdigest(),
        intact=intact,
        software_version=versions if isinstance(versions, str) else str(versions[0]),
        data=data,
    )
