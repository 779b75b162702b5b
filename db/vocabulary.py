"""The product's words: findings with their codes, the states of an assertion, the reasons an image is not read.

Standard library only, so that `inference` and `nlp` share the words without the tables.
Codes are from SNOMED CT (SCT) and DICOM PS3.16 (DCM), by concept identifier.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A coded concept (DICOM PS3.3 section 8): value, coding scheme designator, meaning."""

    value: str
    scheme: str
    meaning: str


LUNG = Code(value="39607008", scheme="SCT", meaning="Lung")
PLEURA = Code(value="3120008", scheme="SCT", meaning="Pleura")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A thoracic finding: its name in the paper's labels, and its code in a result object.

    `site` is sent along where the code alone does not say where (a mass is a mass anywhere).
    `urgency` orders findings for a person: 1 is looked at first.
    """

    name: str
    code: Code
    site: Code | None = None
    urgency: int = 3


EIGHT: tuple[Finding, ...] = (
    Finding(name="Atelectasis", code=Code(value="46621007", scheme="SCT", meaning="Atelectasis")),
    Finding(name="Cardiomegaly", code=Code(value="8186001", scheme="SCT", meaning="Cardiomegaly")),
    Finding(name="Effusion", code=Code(value="60046008", scheme="SCT", meaning="Pleural effusion")),
    Finding(name="Infiltration", code=Code(value="112121", scheme="DCM", meaning="Infiltrate")),
    Finding(name="Mass", code=Code(value="4147007", scheme="SCT", meaning="Mass"), site=LUNG, urgency=2),
    Finding(name="Nodule", code=Code(value="27925004", scheme="SCT", meaning="Nodule"), site=LUNG, urgency=2),
    Finding(name="Pneumonia", code=Code(value="233604007", scheme="SCT", meaning="Pneumonia"), urgency=2),
    Finding(name="Pneumothorax", code=Code(value="36118008", scheme="SCT", meaning="Pneumothorax"), urgency=1),
)
"""ChestX-ray8's findings, in the order of its label vector (Wang et al. 2017, section 3)."""

SIX_MORE: tuple[Finding, ...] = (
    Finding(name="Consolidation", code=Code(value="95436008", scheme="SCT", meaning="Lung consolidation")),
    Finding(name="Edema", code=Code(value="19242006", scheme="SCT", meaning="Pulmonary edema"), urgency=2),
    Finding(name="Emphysema", code=Code(value="87433001", scheme="SCT", meaning="Pulmonary emphysema")),
    Finding(name="Fibrosis", code=Code(value="51615001", scheme="SCT", meaning="Fibrosis of lung")),
    Finding(
        name="Pleural_Thickening",
        code=Code(value="PLEURAL_THICKENING", scheme="99CXR", meaning="Pleural thickening"),
        site=PLEURA,
    ),
    Finding(name="Hernia", code=Code(value="39839004", scheme="SCT", meaning="Diaphragmatic hernia")),
)
"""What ChestX-ray14 added; 99CXR is our own scheme, where no verified public code is at hand.

A model card names the findings a model knows, any of these fourteen.
"""

FINDINGS: dict[str, Finding] = {finding.name: finding for finding in EIGHT + SIX_MORE}


NORMAL = "Normal"
"""The label of a report that denies disease and asserts and doubts none (Wang et al. 2017, section 2.1)."""


class Assertion(StrEnum):
    """What a report says of a finding (Wang et al. 2017, section 2.1, with uncertainty kept apart)."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCERTAIN = "uncertain"
    UNMENTIONED = "unmentioned"


class Split(StrEnum):
    """What a patient's images are for: to learn from, to choose by, or to measure on. A patient never moves."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Examination(StrEnum):
    """What a report is a report of, as far as its message says (`db.examination`); of OTHER comes no label."""

    CHEST_RADIOGRAPH = "chest_radiograph"
    OTHER = "other"
    UNKNOWN = "unknown"


class Unlinked(StrEnum):
    """Why a report is linked to no study. The value is the code; `sentence` is for a person."""

    NO_STUDY = "no_study"
    ARRIVING = "arriving"
    OTHER_PATIENT = "other_patient"
    NO_IDENTIFIER = "no_identifier"
    OTHER_EXAMINATION = "other_examination"

    @property
    def sentence(self) -> str:
        """One plain sentence that says what is the matter."""
        return _UNLINKED[self]


_UNLINKED = {
    Unlinked.NO_STUDY: "Its study has not arrived yet.",
    Unlinked.ARRIVING: "Its study is arriving; the link is made when the study is quiet.",
    Unlinked.OTHER_PATIENT: "The study that it names has another patient id.",
    Unlinked.NO_IDENTIFIER: "It names no accession number and no Study Instance UID.",
    Unlinked.OTHER_EXAMINATION: "It is of another examination than a chest radiograph, and no study of it is here.",
}


class Reason(StrEnum):
    """Why an image is stored but not read. The value is the code; `sentence` is for a person."""

    NOT_FRONTAL = "not_frontal"
    UNKNOWN_VIEW = "unknown_view"
    NOT_CHEST = "not_chest"
    UNKNOWN_BODY_PART = "unknown_body_part"
    NOT_RADIOGRAPH = "not_radiograph"
    FOR_PROCESSING = "for_processing"
    MULTI_FRAME = "multi_frame"
    NOT_IMAGE = "not_image"
    UNSUPPORTED_PIXELS = "unsupported_pixels"
    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"
    DUPLICATE_UID = "duplicate_uid"
    DAMAGED = "damaged"
    REMOVED = "removed"
    LOST = "lost"

    @property
    def sentence(self) -> str:
        """One plain sentence that says what is the matter."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.NOT_FRONTAL: "The view is not frontal (PA or AP).",
    Reason.UNKNOWN_VIEW: "The header names no view; the setting accept_unknown_view is off.",
    Reason.NOT_CHEST: "The body part is not the chest.",
    Reason.UNKNOWN_BODY_PART: "The header names no body part; the setting accept_unknown_body_part is off.",
    Reason.NOT_RADIOGRAPH: "The modality is not CR or DX.",
    Reason.FOR_PROCESSING: "The image is FOR PROCESSING; the one FOR PRESENTATION is read.",
    Reason.MULTI_FRAME: "The image has more than one frame.",
    Reason.NOT_IMAGE: "The object holds no pixel data.",
    Reason.UNSUPPORTED_PIXELS: "The pixel format is not one that a chest radiograph has.",
    Reason.TOO_LARGE: "The image is larger than the pixel budget.",
    Reason.UNDECODABLE: "The pixel data cannot be decoded.",
    Reason.DUPLICATE_UID: "Another image with this SOP Instance UID came first; this one is kept, not read.",
    Reason.DAMAGED: "The stored file is missing or is not what was received; restore it, or send the image again.",
    Reason.REMOVED: "Retention has removed the file; send the image again to have it read.",
    Reason.LOST: "The stored file was lost, and a person accepted that; send the image again to have it read.",
}


BROKEN = frozenset({Reason.UNDECODABLE, Reason.TOO_LARGE, Reason.UNSUPPORTED_PIXELS, Reason.DAMAGED})
"""Reasons for which a person should look at the image; the others say it was not meant to be read."""


class RejectionReason(StrEnum):
    """Why results are taken back (DICOM PS3.16 CID 7011, IHE Radiology IOCM). `code` is what archives look at."""

    QUALITY = "quality"
    PATIENT_SAFETY = "patient_safety"
    RETENTION = "retention"

    @property
    def code(self) -> Code:
        """The title of the rejection note."""
        return _REJECTIONS[self]


_REJECTIONS = {
    RejectionReason.QUALITY: Code(value="113001", scheme="DCM", meaning="Rejected for Quality Reasons"),
    RejectionReason.PATIENT_SAFETY: Code(value="113037", scheme="DCM", meaning="Rejected for Patient Safety Reasons"),
    RejectionReason.RETENTION: Code(value="113039", scheme="DCM", meaning="Data Retention Policy Expired"),
}
