"""A report as an older kind of Structured Report, for a peer that does not take the newer one.

Comprehensive 3D SR, Comprehensive SR and Enhanced SR differ in what they may hold. Ours holds no 3D coordinates and no
reference from one item to another, so every tree of ours is within all three (DICOM PS3.3 A.35.2.3, A.35.3.3,
A.35.13.3), and only the name changes. It is another SOP Instance, since a SOP Instance has one class.
"""

from copy import deepcopy

from pydicom.dataset import Dataset

from node.objects.errors import NoFallbackError
from node.objects.identity import derived_uid
from node.objects.modules import rename

COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"

REPORTS = (COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, ENHANCED_SR)
"""Best first."""


def as_sop_class(dataset: Dataset, sop_class_uid: str) -> Dataset:
    """The same report as another of `REPORTS`, under a UID of its own that is always the same.

    Raises:
        NoFallbackError: the object is no such report, or the class is none of them.
    """
    if dataset.SOPClassUID not in REPORTS or sop_class_uid not in REPORTS:
        raise NoFallbackError(str(dataset.SOPClassUID), sop_class_uid)
    report = deepcopy(dataset)
    if sop_class_uid != dataset.SOPClassUID:
        rename(report, sop_class_uid, derived_uid(str(dataset.SOPInstanceUID), "as", sop_class_uid))
    return report
