"""A report as an older kind of Structured Report, for a peer that does not take the newer one."""

from copy import deepcopy

from pydicom.dataset import Dataset
from pydicom.uid import UID

from node.objects.identity import derived_uid


def as_sop_class(dataset: Dataset, sop_class_uid: str) -> Dataset:
    """The same report as another SOP Class, under a UID of its own that is always the same."""
    report = deepcopy(dataset)
    if sop_class_uid != dataset.SOPClassUID:
        report.SOPClassUID = UID(sop_class_uid)
        report.SOPInstanceUID = UID(derived_uid(str(dataset.SOPInstanceUID), "as", sop_class_uid))
    return report
