"""Coded concepts in the form highdicom takes. The codes of the findings are in `db.vocabulary`."""

from highdicom.sr import CodedConcept

from db.vocabulary import Code

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
ENGLISH = CodedConcept("en-US", "RFC5646", "English (United States)")
DEVICE = CodedConcept("121007", "DCM", "Device")


def concept(code: Code) -> CodedConcept:
    """Turn a code of the vocabulary into a coded concept."""
    return CodedConcept(code.value, code.scheme, code.meaning)
