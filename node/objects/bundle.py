"""All result objects of one study, ready to be stored and sent."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from pydicom.dataset import Dataset

from db.result_records import DEFAULT_KINDS, READ_KINDS, ResultKind
from node.objects import cad, gsps, heatmap, overlay, seg, sr
from node.objects.errors import StudyMismatchError
from node.objects.header import Source, read_source
from node.objects.identity import Identity
from node.objects.language import language as sentences
from node.objects.model import ModelDescription
from node.objects.modules import Making
from node.objects.reading import HeatMaps, Reading, heat_maps
from node.objects.result import ResultObject
from node.objects.sr import Predecessor

_OF_AN_IMAGE: dict[ResultKind, Callable[[Reading, HeatMaps, Source, Making, int], Dataset]] = {
    ResultKind.SEG: seg.build_segmentation,
    ResultKind.OVERLAY: overlay.build_overlay,
    ResultKind.GSPS: gsps.build_presentation_state,
    ResultKind.HEATMAP: heatmap.build_heat_map,
}


def build(
    readings: Sequence[Reading],
    *,
    identity: Identity,
    model: ModelDescription,
    created: datetime,
    predecessor: tuple[str, str, str, str] | None = None,
    timezone: tzinfo = UTC,
    kinds: Collection[ResultKind] = DEFAULT_KINDS,
    language: str = "en",
) -> tuple[ResultObject, ...]:
    """Build the reports of a study, then what is asked for of each image that was read.

    Args:
        readings: at least one frontal image of the study.
        identity: the study, the job's revision and the model version; it decides every UID.
        model: the algorithm and device to name.
        created: the job's time, aware. The present time is never asked, so that a replay is byte-identical.
        predecessor: the report of the study's previous revision, if there is one: UIDs of its SOP class,
            instance, series and study (`Predecessor`).
        timezone: the hospital's, for images that name no zone.
        kinds: which objects to build, of `READ_KINDS`; their order is always the same.
        language: of the report's sentences, one of `node.objects.language.LANGUAGES`.

    Raises:
        MissingIdentifierError: a header has no UID for the image, its series or its study.
        StudyMismatchError: a reading is of another study than the identity.
        ValueError: there is no reading, a kind is not made of readings, the language is not known, or `created` has
            no zone.
    """
    if not readings:
        raise ValueError("a report needs at least one reading")
    if not READ_KINDS.issuperset(kinds):
        raise ValueError("a rejection or a note that a study was not read is not built of readings")
    making = Making(identity=identity, model=model, created=created, zone=timezone, language=sentences(language))
    sources = [read_source(reading.header) for reading in readings]
    if any(source.study_instance_uid != identity.study_instance_uid for source in sources):
        raise StudyMismatchError("A reading belongs to another study than the results to be built.")
    earlier = None if predecessor is None else Predecessor(*predecessor)
    return (
        *_of_the_study(readings, sources, making, earlier, kinds),
        *_of_each_image(readings, sources, making, kinds),
    )


def _of_the_study(
    readings: Sequence[Reading],
    sources: Sequence[Source],
    making: Making,
    predecessor: Predecessor | None,
    kinds: Collection[ResultKind],
) -> Iterator[ResultObject]:
    if ResultKind.SR in kinds:
        report = sr.build_report(readings, sources, making, predecessor)
        yield ResultObject(kind=ResultKind.SR, dataset=report)
    if ResultKind.CAD in kinds:
        yield ResultObject(kind=ResultKind.CAD, dataset=cad.build_cad_report(readings, sources, making))


def _of_each_image(
    readings: Sequence[Reading], sources: Sequence[Source], making: Making, kinds: Collection[ResultKind]
) -> Iterator[ResultObject]:
    asked = [kind for kind in _OF_AN_IMAGE if kind in kinds]
    if not asked:
        return
    for number, (reading, source) in enumerate(zip(readings, sources, strict=True), start=1):
        heat = heat_maps(reading.prediction)
        for kind in asked:
            yield ResultObject(kind=kind, dataset=_OF_AN_IMAGE[kind](reading, heat, source, making, number))
