"""Is this a frontal chest radiograph for presentation? Answered from the header alone.

The evidence for a view, best first: View Position, View Code Sequence, Patient Orientation, then whole words
of the series, protocol and study descriptions. The first that says something decides.
"""

from dataclasses import dataclass

from pydicom import Dataset

from db.vocabulary import Reason
from inference.header import integer, items, text, words
from inference.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineligible:
    """Why an image is not read: a code, one sentence without patient data, and the attribute concerned."""

    reason: Reason
    detail: str
    tag: str | None = None


CR = "1.2.840.10008.5.1.4.1.1.1"
DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
DX_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
SECONDARY_CAPTURES = {f"1.2.840.10008.5.1.4.1.1.7{suffix}" for suffix in ("", ".2", ".3", ".4")}
RADIOGRAPHS = {CR, DX_FOR_PRESENTATION, DX_FOR_PROCESSING}
RADIOGRAPHIC_MODALITIES = {"CR", "DX", "RG"}

CHEST_WORDS = {"CHEST", "THORAX", "THORACIC", "TORAX", "LUNG", "LUNGS", "PULMO", "CXR"}
OTHER_PART_WORDS = {
    *("RIB", "RIBS", "SPINE", "TSPINE", "LSPINE", "CSPINE", "VERTEBRA", "VERTEBRAE", "STERNUM", "CLAVICLE"),
    *("ABDOMEN", "ABD", "PELVIS", "NECK", "HEAD", "SKULL", "SHOULDER", "BREAST", "HIP", "INLET", "OUTLET"),
}
CHEST_CODES = {
    ("SCT", "51185008"),
    ("SCT", "43799004"),
    ("SRT", "T-D3000"),
    ("SRT", "T-D3200"),
    ("SNM3", "T-D3000"),
}
"""Thoracic structure and thoracic cavity (PS3.16 CID 4009, SNOMED CT and its former SRT identifiers)."""

AP_WORDS, PA_WORDS = {"AP", "ANTEROPOSTERIOR"}, {"PA", "POSTEROANTERIOR"}
FRONTAL_WORDS = {*AP_WORDS, *PA_WORDS, "FRONTAL"}
OTHER_VIEW_WORDS = {
    *("LAT", "LATERAL", "LL", "RL", "LLAT", "RLAT", "LATERALE", "LATERO", "SEITLICH", "PROFIL"),
    *("OBL", "OBLIQUE", "RLO", "LLO", "RAO", "LAO", "RPO", "LPO", "MLO", "CC"),
    *("LLD", "RLD", "DECUB", "DECUBITUS", "LORDOTIC", "AX", "AXIAL", "TAN", "TANGENTIAL"),
}
AP_CODES = {("SCT", "399348003"), ("SRT", "R-10206"), ("SNM3", "R-10206")}
PA_CODES = {("SCT", "272479007"), ("SRT", "R-10214"), ("SRT", "R-40888"), ("SNM3", "R-10214")}
FRONTAL_CODES = AP_CODES | PA_CODES
"""PS3.16 CID 4010, SNOMED CT and the SRT identifiers it had before."""
DESCRIPTIONS = (
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "StudyDescription",
)


def assess(ds: Dataset, policy: Policy) -> Ineligible | None:
    """Say why an image is not to be read, or None if it is. Never raises, whatever the header holds."""
    return _object(ds) or _body_part(ds, policy) or _view(ds, policy)


def view(ds: Dataset) -> str:
    """Which of the two a frontal image is: "PA", "AP", or "" where the header does not tell. Never raises.

    Patient Orientation tells only that it is frontal: AP images are usually stored as PA ones are seen.
    """
    named = [words(text(ds, "ViewPosition"))]
    for item in items(ds, "ViewCodeSequence"):
        if _code(item) in AP_CODES | PA_CODES:
            named.append(("AP",) if _code(item) in AP_CODES else ("PA",))
        named.append(_meaning(item))
    named += [words(text(ds, keyword)) for keyword in DESCRIPTIONS]
    for each in named:
        ap, pa = bool(AP_WORDS & set(each)), bool(PA_WORDS & set(each))
        if ap != pa:
            return "AP" if ap else "PA"
    return ""


def _object(ds: Dataset) -> Ineligible | None:
    if not any(keyword in ds for keyword in ("PixelData", "Rows")):
        return Ineligible(reason=Reason.NOT_IMAGE, detail="The object holds no pixel data.", tag="(7FE0,0010)")
    sop_class, modality = text(ds, "SOPClassUID"), text(ds, "Modality").upper()
    radiograph = sop_class in RADIOGRAPHS or (
        (sop_class in SECONDARY_CAPTURES or not sop_class) and modality in RADIOGRAPHIC_MODALITIES
    )
    if not radiograph:
        return Ineligible(
            reason=Reason.NOT_RADIOGRAPH,
            detail="Only CR and DX images, and secondary captures of them, are read.",
            tag="(0008,0016)",
        )
    if sop_class == DX_FOR_PROCESSING or text(ds, "PresentationIntentType").upper() == "FOR PROCESSING":
        return Ineligible(
            reason=Reason.FOR_PROCESSING,
            detail="The image is FOR PROCESSING; the one FOR PRESENTATION is read.",
            tag="(0008,0068)",
        )
    if (integer(ds, "NumberOfFrames") or 1) > 1:
        return Ineligible(reason=Reason.MULTI_FRAME, detail="The image has more than one frame.", tag="(0028,0008)")
    return None


def _body_part(ds: Dataset, policy: Policy) -> Ineligible | None:
    verdict, tag = _chest(ds)
    if verdict is False:
        return Ineligible(reason=Reason.NOT_CHEST, detail="The body part is not the chest.", tag=tag)
    if verdict is None and not policy.accept_unknown_body_part:
        return Ineligible(reason=Reason.UNKNOWN_BODY_PART, detail="The header names no body part.", tag="(0018,0015)")
    return None


def _chest(ds: Dataset) -> tuple[bool | None, str | None]:
    """Whether the chest is shown (None: not said), and by which attribute."""
    named = words(text(ds, "BodyPartExamined"))
    if named:
        return bool(CHEST_WORDS & set(named)) and not OTHER_PART_WORDS & set(named), "(0018,0015)"
    regions = items(ds, "AnatomicRegionSequence")
    if regions:
        chest = any(_code(item) in CHEST_CODES or CHEST_WORDS & set(_meaning(item)) for item in regions)
        return chest, "(0008,2218)"
    for keyword in DESCRIPTIONS:
        found = set(words(text(ds, keyword)))
        if CHEST_WORDS & found and not OTHER_PART_WORDS & found:
            return True, None
    return None, None


def _view(ds: Dataset, policy: Policy) -> Ineligible | None:
    verdict, tag = _frontal(ds)
    if verdict is False:
        return Ineligible(reason=Reason.NOT_FRONTAL, detail="The view is not frontal (PA or AP).", tag=tag)
    if verdict is None and not policy.accept_unknown_view:
        return Ineligible(reason=Reason.UNKNOWN_VIEW, detail="The header names no view.", tag="(0018,5101)")
    return None


def _frontal(ds: Dataset) -> tuple[bool | None, str | None]:
    """Whether the view is PA or AP (None: not said), and by which attribute."""
    verdict = _by_words(words(text(ds, "ViewPosition")))
    if verdict is not None:
        return verdict, "(0018,5101)"
    for item in items(ds, "ViewCodeSequence"):
        verdict = True if _code(item) in FRONTAL_CODES else _by_words(_meaning(item))
        if verdict is not None:
            return verdict, "(0054,0220)"
    verdict = _by_orientation(text(ds, "PatientOrientation"))
    if verdict is not None:
        return verdict, "(0020,0020)"
    for keyword in DESCRIPTIONS:
        verdict = _by_words(words(text(ds, keyword)))
        if verdict is not None:
            return verdict, None
    return None, None


def _by_words(named: tuple[str, ...]) -> bool | None:
    """Frontal, not frontal, or nothing said; "PA and lateral" names a study and says nothing of one image."""
    frontal, other = FRONTAL_WORDS & set(named), OTHER_VIEW_WORDS & set(named)
    if bool(frontal) == bool(other):
        return None
    return bool(frontal)


def _by_orientation(orientation: str) -> bool | None:
    """Read Patient Orientation: rows run left or right on a frontal image, front or back on a lateral one.

    Source: DICOM PS3.3 C.7.6.1.1.1. The first letter of each value is the main direction.
    """
    directions = {value.strip()[:1].upper() for value in orientation.split("\\") if value.strip()}
    if len(directions) != 2:
        return None
    if directions & {"A", "P"}:
        return False
    if directions & {"L", "R"} and directions & {"H", "F"}:
        return True
    return None


def _code(item: Dataset) -> tuple[str, str]:
    return text(item, "CodingSchemeDesignator").upper(), text(item, "CodeValue")


def _meaning(item: Dataset) -> tuple[str, ...]:
    return words(text(item, "CodeMeaning"))
