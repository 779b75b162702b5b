"""What of the database goes into a snapshot: frontal images with labels in force, a split, and what was left out.

The rules, in order:

* An image counts if it is a frontal chest radiograph that the node reads (`db.frontals`).
* Its labels are those of its study (`training.study_labels`). A study without labels is left out, or with none but
  uncertain ones, and so is a label without an image.
* Patients are dealt into the split by their rarest finding and their source, so that each part has some of all
  (`db.splits`). Images without a patient id are only learnt from: nobody can tell whose else they are.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from db import boxes, frontals, splits
from db.engine import Connection
from db.learning_records import DrawnBox, FrontalImage
from db.vocabulary import Split
from training import study_labels
from training.errors import SnapshotError
from training.localization import TrueBox
from training.pseudonym import Pseudonyms, patient_key
from training.snapshot import Item, Snapshot
from training.study_labels import LabelledStudy, Wanted

Transaction = Callable[[], AbstractContextManager[Connection]]


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
        labelled = study_labels.of_studies(connection, wanted, left_out)
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
    require_enough(taken, len(every), len(labelled), left_out)
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


def require_enough(taken: Sequence[LabelledImage], images: int, studies: int, left_out: Mapping[str, int]) -> None:
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
