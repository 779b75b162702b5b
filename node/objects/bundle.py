"""All result objects of one study, ready to be stored and sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from io import BytesIO

from pydicom import dcmwrite
from pydicom.dataset import Dataset

from node.objects import overlay, seg, sr
from node.objects.errors import StudyMismatchError
from node.objects.header import read_source
from node.objects.identity import Identity
from node.objects.model import ModelDescription
from node.objects.modules import Making
from node.objects.reading import Reading, heat_maps
from node.objects.sr import Predecessor


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultObject:
    """One DICOM object made by the node: `kind` is "sr", "seg" or "overlay"."""

    kind: str
    dataset: Dataset

    @property
    def sop_class_uid(self) -> str:
        """What kind of object it is to a peer."""
        return str(self.dataset.SOPClassUID)

    @property
    def sop_instance_uid(self) -> str:
        """Its own name; the same for the same identity."""
        return str(self.dataset.SOPInstanceUID)

    @property
    def series_instance_uid(self) -> str:
        """The series of its kind."""
        return str(self.dataset.SeriesInstanceUID)

    @property
    def study_instance_uid(self) -> str:
        """The study of the images it was made of."""
        return str(self.dataset.StudyInstanceUID)


def build(
    readings: Sequence[Reading],
    *,
    identity: Identity,
    model: ModelDescription,
    created: datetime,
    predecessor: tuple[str, str, str, str] | None = None,
    timezone: tzinfo = UTC,
) -> tuple[ResultObject, ...]:
    """Build the report of a study, then a segmentation and an overlay for each image that was read.

    Args:
        readings: at least one frontal image of the study.
        identity: the study, the job's revision and the model version; it decides every UID.
        model: the algorithm and device to name.
        created: the job's time, aware. The present time is never asked, so that a replay is byte-identical.
        predecessor: the report of the study's previous revision, if there is one: UIDs of its SOP class,
            instance, series and study (`Predecessor`).
        timezone: the hospital's, for images that name no zone.

    Raises:
        MissingIdentifierError: a header has no UID for the image, its series or its study.
        StudyMismatchError: a reading is of another study than the identity.
        ValueError: there is no reading, or `created` has no zone.
    """
    if not readings:
        raise ValueError("a report needs at least one reading")
    making = Making(identity=identity, model=model, created=created, zone=timezone)
    sources = [read_source(reading.header) for reading in readings]
    if any(source.study_instance_uid != identity.study_instance_uid for source in sources):
        raise StudyMismatchError("A reading belongs to another study than the results to be built.")
    earlier = None if predecessor is None else Predecessor(*predecessor)
    results = [ResultObject(kind=sr.KIND, dataset=sr.build_report(readings, sources, making, earlier))]
    for number, (reading, source) in enumerate(zip(readings, sources, strict=True), start=1):
        heat = heat_maps(reading.prediction)
        segmentation = seg.build_segmentation(reading, heat, source, making, number)
        picture = overlay.build_overlay(reading, heat, source, making, number)
        results.append(ResultObject(kind=seg.KIND, dataset=segmentation))
        results.append(ResultObject(kind=overlay.KIND, dataset=picture))
    return tuple(results)


def encode(dataset: Dataset) -> bytes:
    """Write an object as a DICOM file: Explicit VR Little Endian, a preamble of zeros (DICOM PS3.10 7.1)."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
