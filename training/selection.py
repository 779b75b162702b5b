"""What of the database goes into a snapshot: frontal images with labels in force, a split, and what was left out.

The rules, in order:

* An image counts if it is a frontal chest radiograph that the node reads (`db.frontals`).
* Its labels are those of its study: what people said (gold), before what is mined or published, by the policy in
  force. A report that may repeat the node's own result is left out, unless asked for; so is one that says nothing
  (empty, in another language, not mined).
* Positive is 1, uncertain NaN, negative 0. What a mined report does not mention is 0, as the paper has it (Wang et
  al. 2017, section 2.1). Where only a person labelled a study, what they did not speak of is NaN, unless they said
  Normal.
* A study without labels is left out, or with none but uncertain ones, and so is a label without an image.
* Patients are dealt into the split by their rarest finding and their source, so that each part has some of all
  (`db.splits`). Images without a patient id are only learnt from: nobody can tell whose else they are.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from db import boxes, frontals, gold, labels, reports, splits
from db.engine import Connection
from db.gold import GoldByFinding
from db.label_records import MinedReport, States
from db.learning_records import DrawnBox, FrontalImage
from db.report_records import PUBLISHED, MinerIdentity
from db.vocabulary import NORMAL, Assertion, Split
from training.errors import SnapshotError
from training.localization import TrueBox
from training.pseudonym import Pseudonyms, patient_key
from training.snapshot import Item, Snapshot

_VALUES = {Assertion.POSITIVE: 1.0, Assertion.NEGATIVE: 0.0, Assertion.UNCERTAIN: math.nan}
Known = dict[int, tuple[States, tuple[float, ...] | None]]
"""Labels by the identity of their states, which are kept with them: reports that say the same share them."""
Transaction = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. `policy` is the miner's in force; `after_result` takes reports that may repeat the node."""

    findings: tuple[str, ...]
    policy: str
    after_result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledStudy:
    """The labels of a study as numbers, where they are from, and whether a report of it may repeat the node."""

    labels: tuple[float, ...]
    provenance: str
    after_result: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledImage:
    """A frontal image and the labels of its study. `patient` is empty where the image names none."""

    image: FrontalImage
    study: LabelledStudy
    patient: str


def select(
    read: Transaction, write: Transaction, wanted: Wanted, *, pseudonyms: Pseudonyms, images: Path, now: datetime
) -> Snapshot:
    """Select what there is to learn from now; patients who have no split yet are given theirs.

    Args:
        read: a transaction to read in.
        write: a transaction to deal patients in.
        wanted: what is asked for.
        pseudonyms: the site's.
        images: the folder that the instances' paths are relative to.
        now: the time.

    Raises:
        SnapshotError: there is nothing to train on; the sentence says what is missing.
    """
    with read() as connection:
        left_out: Counter[str] = Counter()
        labelled = label_studies(connection, wanted, left_out)
        every = list(frontals.images(connection))
        drawn = boxes.every(connection)
        absent = frontals.absent_count(connection)
    keys = {patient_id: patient_key(patient_id) for patient_id in {image.patient_id for image in every}}
    taken = [
        LabelledImage(image=image, study=labelled[image.study_id], patient=keys[image.patient_id])
        for image in every
        if image.study_id in labelled
    ]
    if absent:
        left_out["images that are no longer stored"] = absent
    left_out["images without labels"] = len(every) - len(taken)
    left_out["studies with labels and without a frontal image"] = len(labelled.keys() - {i.study_id for i in every})
    require_enough(taken, len(every), len(labelled), wanted, left_out)
    with write() as connection:
        split = splits.deal(connection, dealing_order(taken, pseudonyms), now)
    names = {patient: pseudonyms.of(patient) for patient in {each.patient for each in taken} if patient}
    items = tuple(_item(each, split, names.get(each.patient) or _unnamed(each, pseudonyms)) for each in taken)
    return Snapshot(
        created=now,
        findings=wanted.findings,
        images=images,
        items=items,
        boxes=_boxes(taken, drawn, wanted.findings),
        about=_about(wanted, taken, left_out),
    )


def label_studies(connection: Connection, wanted: Wanted, left_out: Counter[str]) -> dict[int, LabelledStudy]:
    """The labels in force of every study that has some, by its row id; `left_out` counts why others have none."""
    repeating = reports.after_results(connection)
    said = gold.every(connection)
    found: dict[int, LabelledStudy] = {}
    any_gold = bool(said.of_studies or said.of_reports)
    known: Known = {}

    def label(study_id: int, every: Sequence[MinedReport]) -> None:
        used = [each for each in every if _counts(each, repeating, wanted, left_out)]
        people = said.of([each.name for each in every], [study_id]) if any_gold else {}
        if not used and not people:
            left_out["studies without labels"] += 1
            return
        values = _values(used, people, wanted.findings, known)
        if values is None:
            left_out["studies with nothing but uncertain labels"] += 1
            return
        found[study_id] = LabelledStudy(
            labels=values,
            provenance=_provenance(people, used, wanted.findings),
            after_result=bool(repeating) and any((each.report_id, study_id) in repeating for each in used),
        )

    with_reports = set()
    for study_id, group in groupby(labels.mined_of_studies(connection), key=itemgetter(0)):
        with_reports.add(study_id)
        label(study_id, tuple(group))
    for study_id in sorted(said.of_studies.keys() - with_reports):
        label(study_id, ())
    return found


def _values(
    used: Sequence[MinedReport], people: GoldByFinding, findings: Sequence[str], known: Known
) -> tuple[float, ...] | None:
    """The labels of a study as numbers; None if all are uncertain."""
    if len(used) == 1 and not people:  # nearly always, and many reports say the same
        states = used[0].states
        if id(states) not in known:
            known[id(states)] = states, _unless_nan(numbers(states, findings, silent_is_absent=True))
        return known[id(states)][1]
    mined = labels.together([each.states for each in used])
    states, said_normal = labels.in_force(mined, False, people)
    return _unless_nan(numbers(states, findings, silent_is_absent=bool(used) or said_normal))


def _unless_nan(values: tuple[float, ...]) -> tuple[float, ...] | None:
    return None if all(math.isnan(value) for value in values) else values


def numbers(states: States, findings: Sequence[str], *, silent_is_absent: bool) -> tuple[float, ...]:
    """States as labels to train on, one a finding."""
    silent = 0.0 if silent_is_absent else math.nan
    return tuple(_VALUES[states[name]] if name in states else silent for name in findings)


def dealing_order(taken: Sequence[LabelledImage], pseudonyms: Pseudonyms) -> list[str]:
    """The patients, those alike one after another: by rarest finding, then by source, then by chance.

    Chance is the pseudonym, which nobody who names patients can foresee.
    """
    positives = [_present(each.study.labels) for each in taken]
    counts = Counter(place for each in positives for place in each)
    rank = {place: number for number, (place, _) in enumerate(sorted(counts.items(), key=lambda item: item[::-1]))}
    kinds: dict[str, tuple[int, str]] = {}
    for each, present in zip(taken, positives, strict=True):
        kind = (min((rank[place] for place in present), default=len(rank)), each.image.source)
        kinds[each.patient] = min(kinds.get(each.patient, kind), kind)
    kinds.pop("", None)
    return sorted(kinds, key=lambda patient: (kinds[patient], pseudonyms.of(patient)))


@lru_cache(maxsize=65536)
def _present(values: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(place for place, value in enumerate(values) if value == 1.0)


def require_enough(
    taken: Sequence[LabelledImage], images: int, studies: int, wanted: Wanted, left_out: Mapping[str, int]
) -> None:
    """Refuse what no model can be trained on.

    Raises:
        SnapshotError: says what is missing and where it comes from.
    """
    if not images and studies:
        raise SnapshotError(
            f"there are labels of {studies} studies and no frontal image; bring the images in with `cxr import dicom`"
        )
    if not images:
        raise SnapshotError("there is no frontal image here; bring some in with `cxr import dicom` or `cxr import nih`")
    if not taken:
        why = ", ".join(f"{number} {what}" for what, number in left_out.items() if number and "image" not in what)
        raise SnapshotError(
            f"none of the {images} frontal images has labels{f' ({why})' if why else ''}; import their reports, or see "
            "what waits with `cxr reports list --unlinked` and `cxr status`"
        )
    patients = {each.patient for each in taken}
    if len(patients - {""}) < 2:
        raise SnapshotError(
            f"the {len(taken)} labelled images are of {'one patient' if patients - {''} else 'no named patient'}; "
            "to train on some and test on others takes two, and better hundreds"
        )
    if not any(label == 1.0 for each in taken for label in each.study.labels):
        raise SnapshotError(
            f"no finding is positive in any of the {len(taken)} labelled images; a model learns nothing from that"
        )


def without_positives(snapshot: Snapshot) -> list[str]:
    """The findings that no image has: they can be neither learnt nor measured."""
    present = {place for item in snapshot.items for place, label in enumerate(item.labels) if label == 1.0}
    return [name for place, name in enumerate(snapshot.findings) if place not in present]


def _counts(report: MinedReport, repeating: Set[tuple[int, int]], wanted: Wanted, left_out: Counter[str]) -> bool:
    """Whether a report's labels are taken; if not, why not is counted."""
    if report.miner is None:
        left_out["reports not mined yet"] += 1
    elif not report.readable:
        left_out["reports that cannot be mined"] += 1
    elif report.miner == PUBLISHED:
        return True
    elif report.miner.policy != wanted.policy:
        left_out["reports mined by another policy"] += 1
    elif not wanted.after_result and (report.report_id, report.study_id) in repeating:
        left_out["reports written after the result"] += 1
    else:
        return True
    return False


def _provenance(people: GoldByFinding, used: Sequence[MinedReport], findings: Sequence[str]) -> str:
    """Where labels are from, in a few words: the miners and their policy, "published", "gold"; no person's name."""
    from_ = dict.fromkeys(_miner(each.miner) for each in used if each.miner is not None)
    if people and any(name in people for name in (*findings, NORMAL)):
        from_["gold"] = None
    return " + ".join(from_)


@lru_cache
def _miner(miner: MinerIdentity) -> str:
    return "published" if miner == PUBLISHED else f"mined {miner.lexicon_version} {miner.rules_version} {miner.policy}"


def _unnamed(each: LabelledImage, pseudonyms: Pseudonyms) -> str:
    return pseudonyms.of(f"study {each.image.study_instance_uid}")


def _item(each: LabelledImage, split: Mapping[str, Split], pseudonym: str) -> Item:
    image, study = each.image, each.study
    return Item(
        image=image.path,
        sha256=image.sha256,
        instance_id=image.instance_id,
        study_id=image.study_id,
        patient=pseudonym,
        view=image.view,
        source=image.source,
        split=split[each.patient] if each.patient else Split.TRAIN,
        labels=study.labels,
        provenance=study.provenance,
        after_result=study.after_result,
    )


def _boxes(
    taken: Iterable[LabelledImage], drawn: Mapping[int, Sequence[DrawnBox]], findings: Sequence[str]
) -> dict[str, tuple[TrueBox, ...]]:
    found = {}
    for each in taken:
        wanted = [box for box in drawn.get(each.image.instance_id, ()) if box.finding in findings]
        if wanted:
            found[each.image.path] = tuple(
                TrueBox(
                    image=each.image.path, finding=box.finding, x=box.x, y=box.y, width=box.width, height=box.height
                )
                for box in wanted
            )
    return found


def _about(wanted: Wanted, taken: Sequence[LabelledImage], left_out: Mapping[str, int]) -> dict[str, str]:
    about = {
        "policy": wanted.policy,
        "reports written after the result": "taken" if wanted.after_result else "left out",
        "unmentioned": "0 where a report was mined or published, as in Wang et al. 2017",
        "uncertain": "no label",
    }
    provenances = Counter(each.study.provenance for each in taken)
    about |= {f"labels {name}": f"{number} images" for name, number in sorted(provenances.items())}
    if unnamed := sum(not each.patient for each in taken):
        about["images without a patient id"] = str(unnamed)
    return about | {f"left out: {what}": str(number) for what, number in sorted(left_out.items()) if number}
