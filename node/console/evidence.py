"""What a model said of one image, as a person looks at it: findings with bars, boxes and the way to their heat maps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from db.dossier import Dossier, Scores
from db.records import StoredInstance
from db.vocabulary import FINDINGS
from node.objects.palette import finding_colour

SHOWN_LEVEL = 180
"""The heat map level of the boxes that are shown, as in result objects (`node.objects.reading`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A finding: probability and operating point in [0, 1], its colour, and boxes as (x, y, width, height)."""

    finding: str
    probability: float
    operating_point: float
    colour: str
    heat: str
    boxes: tuple[tuple[int, int, int, int], ...]

    @property
    def present(self) -> bool:
        """At or above the operating point."""
        return self.probability >= self.operating_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """An image with what one model version said of it; without a `model` none has read it.

    `trouble` says why there is no picture, None where there is one.
    """

    instance: StoredInstance
    number: int
    trouble: str | None
    model: Scores | None
    others: tuple[Scores, ...]
    findings: tuple[Seen, ...]


def evidence(dossier: Dossier, wanted: str | None = None, version: str | None = None) -> Evidence | None:
    """What there is to see: of the image that is wanted, or of the first that was read; None without any image."""
    chosen = _chosen(dossier, wanted)
    if chosen is None:
        return None
    said = [each for each in dossier.scores if each.instance_id == chosen.id]
    heard = [each for each in said if each.heard] or said
    named = [each for each in said if each.model_version == version]
    model = next(iter(named or heard[-1:]), None)
    return Evidence(
        instance=chosen,
        number=dossier.instances.index(chosen) + 1,
        trouble=None if chosen.absence is None else _absent(chosen),
        model=model,
        others=tuple(each for each in said if each is not model),
        findings=() if model is None else _findings(dossier.study.study_instance_uid, model),
    )


def picture_of(study_instance_uid: str, instance_id: int) -> str:
    """Where an image's pictures are, but for their size."""
    return f"/studies/{quote(study_instance_uid)}/images/{instance_id}"


def _chosen(dossier: Dossier, wanted: str | None) -> StoredInstance | None:
    named = [each for each in dossier.instances if str(each.id) == wanted]
    read = {each.instance_id for each in dossier.scores}
    here = [each for each in dossier.instances if each.absence is None]
    return next(iter((*named, *(each for each in here if each.id in read), *here, *dossier.instances)), None)


def _absent(instance: StoredInstance) -> str:
    words = {
        "damaged": "The file is not what was received and lies in the quarantine. Send the image again, or restore it.",
        "missing": "The file is not in the store any more. Send the image again, or restore it from a backup.",
        "removed": "Retention has removed the file. Send the image again to look at it.",
        "lost": "The file is lost, and a person has accepted that. Send the image again to look at it.",
    }
    return words[str(instance.absence)]


def _findings(study_instance_uid: str, model: Scores) -> tuple[Seen, ...]:
    where = picture_of(study_instance_uid, model.instance_id)
    found = [
        Seen(
            finding=score["finding"],
            probability=score["probability"],
            operating_point=score["operating_point"],
            colour="rgb({}, {}, {})".format(*finding_colour(score["finding"])),
            heat=f"{where}/heat?{urlencode({'finding': score['finding'], 'model': model.model_version})}",
            boxes=_boxes(score),
        )
        for score in model.scores
    ]
    return tuple(sorted(found, key=lambda each: (not each.present, FINDINGS[each.finding].urgency, -each.probability)))


def _boxes(score: Mapping[str, Any]) -> tuple[tuple[int, int, int, int], ...]:
    return tuple((x, y, width, height) for x, y, width, height, level in score["boxes"] if level == SHOWN_LEVEL)
