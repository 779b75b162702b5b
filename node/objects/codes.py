"""Coded concepts in the form highdicom takes. The codes of the findings are in `db.vocabulary`."""

from highdicom.sr import CodedConcept

from db.vocabulary import FINDINGS, Code, RejectionReason

PRESENT = CodedConcept("52101004", "SCT", "Present")
ABSENT = CodedConcept("272519000", "SCT", "Absent")
"""Means "below the operating point" here, never "excluded"; each object that uses it says so in words."""

CERTAINTY = CodedConcept("111012", "DCM", "Certainty of Finding")
COMMENT = CodedConcept("121106", "DCM", "Comment")
SOURCE = CodedConcept("260753009", "SCT", "Source")
SOURCE_OF_MEASUREMENT = CodedConcept("121112", "DCM", "Source of Measurement")
SOURCE_IMAGE = CodedConcept("121322", "DCM", "Source image for image processing operation")
IMAGING_MEASUREMENTS = CodedConcept("126010", "DCM", "Imaging Measurements")
QUALITATIVE_EVALUATIONS = CodedConcept("C0034375", "UMLS", "Qualitative Evaluations")
REPORT = CodedConcept("126000", "DCM", "Imaging Measurement Report")
IMAGING_REPORT = CodedConcept("18748-4", "LN", "Diagnostic Imaging Report")
PROCEDURE_REPORTED = CodedConcept("121058", "DCM", "Procedure reported")
CHEST_RADIOGRAPHY = CodedConcept("399208008", "SCT", "Plain X-ray of chest")
IMAGE_LIBRARY = CodedConcept("111028", "DCM", "Image Library")
IMAGE_LIBRARY_GROUP = CodedConcept("126200", "DCM", "Image Library Group")
MODALITY = CodedConcept("121139", "DCM", "Modality")
PIXEL_DATA_ROWS = CodedConcept("110910", "DCM", "Pixel Data Rows")
PIXEL_DATA_COLUMNS = CodedConcept("110911", "DCM", "Pixel Data Columns")
PERCENT = CodedConcept("%", "UCUM", "Percent")
PIXELS = CodedConcept("{pixels}", "UCUM", "Pixels")
ARTIFICIAL_INTELLIGENCE = CodedConcept("123110", "DCM", "Artificial Intelligence")
ABNORMAL_STRUCTURE = CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure")
CHEST_CAD_REPORT = CodedConcept("112000", "DCM", "Chest CAD Report")
CAD_SUMMARY = CodedConcept("111017", "DCM", "CAD Processing and Findings Summary")
WITH_FINDINGS = CodedConcept("111242", "DCM", "All algorithms succeeded; with findings")
WITHOUT_FINDINGS = CodedConcept("111241", "DCM", "All algorithms succeeded; without findings")
SINGLE_IMAGE_FINDING = CodedConcept("111059", "DCM", "Single Image Finding")
FINDING_MODIFIER = CodedConcept("112024", "DCM", "Single Image Finding Modifier")
ABNORMAL_OPACITY = CodedConcept("112033", "DCM", "Abnormal opacity")
ABNORMAL_LUCENCY = CodedConcept("112062", "DCM", "Abnormal lucency")
RADIOGRAPHIC_ANATOMY = CodedConcept("112005", "DCM", "Radiographic anatomy")
RENDERING_INTENT = CodedConcept("111056", "DCM", "Rendering Intent")
PRESENTATION_REQUIRED = CodedConcept("111150", "DCM", "Presentation Required: Rendering device is expected to present")
CENTER = CodedConcept("111010", "DCM", "Center")
OUTLINE = CodedConcept("111041", "DCM", "Outline")
IMAGE_VIEW = CodedConcept("111031", "DCM", "Image View")
STUDY_DATE = CodedConcept("111060", "DCM", "Study Date")
SUMMARY_OF_DETECTIONS = CodedConcept("111064", "DCM", "Summary of Detections")
SUMMARY_OF_ANALYSES = CodedConcept("111065", "DCM", "Summary of Analyses")
SUCCESSFUL_DETECTIONS = CodedConcept("111063", "DCM", "Successful Detections")
DETECTION_PERFORMED = CodedConcept("111022", "DCM", "Detection Performed")
SUCCEEDED = CodedConcept("111222", "DCM", "Succeeded")
FAILED = CodedConcept("111224", "DCM", "Failed")
NOT_ATTEMPTED = CodedConcept("111225", "DCM", "Not Attempted")
VIEWS = {
    "PA": CodedConcept("272479007", "SCT", "postero-anterior"),
    "AP": CodedConcept("399348003", "SCT", "antero-posterior"),
}
KEY_OBJECT_DESCRIPTION = CodedConcept("113012", "DCM", "Key Object Description")
DEVICE = CodedConcept("121007", "DCM", "Device")


def terms() -> list[Code]:
    """Every code that an object may hold, each once: those above, and the vocabulary's."""
    above = [each for each in (*globals().values(), *VIEWS.values()) if isinstance(each, CodedConcept)]
    found = [
        Code(value=str(each.value), scheme=str(each.scheme_designator), meaning=str(each.meaning)) for each in above
    ]
    for finding in FINDINGS.values():
        found += [finding.code] if finding.site is None else [finding.code, finding.site]
    found += [reason.code for reason in RejectionReason]
    return sorted(set(found), key=lambda code: (code.scheme, code.meaning.lower()))


def concept(code: Code) -> CodedConcept:
    """Turn a code of the vocabulary into a coded concept."""
    return CodedConcept(code.value, code.scheme, code.meaning)
