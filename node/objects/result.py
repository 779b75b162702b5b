"""What the node makes: a DICOM object with its kind."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from db.result_records import ResultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultObject:
    """One DICOM object made by the node."""

    kind: ResultKind
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
