"""What a result takes over from the image it was made of.

A header is written by somebody else's machine. What is valid in it is copied, what is not is dropped: no odd
value of a modality can stop a result or make it invalid (DICOM PS3.5 6.2 says what each VR may hold).
"""

import math
import re
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from pydicom import charset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from node.objects.errors import MissingIdentifierError

UNICODE = "ISO_IR 192"

_PATIENT_AND_STUDY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
)
"""Type 2 in every result: empty where the source has no valid value."""

_IF_PRESENT = (
    "IssuerOfPatientID",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDescription",
    "InstitutionName",
)

_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
"""Where an image says how far its pixels are apart, in mm, best first (DICOM PS3.3 10.7)."""

_SLACK = 1e-3
"""How far directions may be from a length of 1 and a right angle: they are written in decimals."""

_FINEST, _COARSEST = 1e-3, 1e3
"""Between these, in mm, is what a spacing of pixels can be."""

_SEXES = ("M", "F", "O")

_PATTERNS = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]{1,16}"),
    "DS": re.compile(r"(?=.{1,16}\Z)[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?"),
    "UI": re.compile(r"(?=.{1,64}\Z)\d+(\.\d+)*"),
}
_LENGTHS = {"SH": 16, "LO": 64, "PN": 64 * 3 + 2}

_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    OSError,
    struct.error,
    BytesLengthException,
    Warning,
)
"""What pydicom raises while it converts a broken element."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The valid part of one image's header.

    `patient_and_study` goes into every result as it is. `image` holds what describes the pixels
    (PatientOrientation, LossyImageCompression ...), which a result takes piece by piece.
    `offset` is the source's TimezoneOffsetFromUTC, or None: then its times are local, of an unknown zone.
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    character_set: tuple[str, ...]
    patient_and_study: Dataset
    image: Dataset
    offset: timezone | None


def read_source(header: Dataset) -> Source:
    """Take the valid part of a header.

    Raises:
        MissingIdentifierError: a UID of the image, its series or its study is missing or is none.
    """
    patient_and_study = Dataset()
    for keyword in _PATIENT_AND_STUDY + _IF_PRESENT:
        text = text_of(header, keyword)
        if text or keyword in _PATIENT_AND_STUDY:
            _put(patient_and_study, keyword, text)
    procedures = list(_codes(header, "ProcedureCodeSequence"))
    if procedures:
        patient_and_study.ProcedureCodeSequence = procedures
    return Source(
        study_instance_uid=_identifier(header, "StudyInstanceUID"),
        series_instance_uid=_identifier(header, "SeriesInstanceUID"),
        sop_instance_uid=_identifier(header, "SOPInstanceUID"),
        sop_class_uid=_identifier(header, "SOPClassUID"),
        character_set=_character_set(header, patient_and_study),
        patient_and_study=patient_and_study,
        image=_image(header),
        offset=_offset(text_of(header, "TimezoneOffsetFromUTC")),
    )


def text_of(header: Dataset, keyword: str) -> str:
    """Return the one valid value of an attribute as text, "" if there is none."""
    values = _values(header, keyword)
    vr = dictionary_VR(keyword)
    if len(values) != 1 or not _is_valid(vr, values[0]):
        return ""
    if keyword == "PatientSex" and values[0] not in _SEXES:
        return ""
    return values[0]


def _values(header: Dataset, keyword: str) -> tuple[str, ...]:
    """All values of an attribute as text, whatever VR the source gave it."""
    try:
        value = header[keyword].value
        if value is None or isinstance(value, bytes | Sequence):
            return ()
        values = value if isinstance(value, MultiValue | list | tuple) else (value,)
        return tuple(str(one).rstrip(" \0") for one in values)
    except _UNREADABLE:
        return ()


def _is_valid(vr: str, text: str) -> bool:
    if "\\" in text or any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        return False
    if vr in _PATTERNS:
        return _PATTERNS[vr].fullmatch(text) is not None and (vr != "DS" or math.isfinite(float(text)))
    if vr == "DA":
        return _is_date(text)
    if vr == "PN":
        groups = text.split("=")
        return len(groups) <= 3 and all(len(group) <= 64 and group.count("^") <= 4 for group in groups)
    return 0 < len(text) <= _LENGTHS[vr]


def _is_date(text: str) -> bool:
    if re.fullmatch(r"[0-9]{8}", text) is None:
        return False
    try:
        datetime.strptime(text, "%Y%m%d").replace(tzinfo=None)  # noqa: DTZ007 - a DA has no zone
    except ValueError:
        return False
    return True


def _put(ds: Dataset, keyword: str, value: str | list[str]) -> None:
    ds.add(DataElement(keyword, dictionary_VR(keyword), value))


def _identifier(header: Dataset, keyword: str) -> str:
    uid = text_of(header, keyword)
    if not uid:
        raise MissingIdentifierError(keyword)
    return uid


def _codes(header: Dataset, keyword: str) -> Iterator[Dataset]:
    """The items of a code sequence that are whole: value, scheme and meaning (DICOM PS3.3 8.8)."""
    try:
        items = header[keyword].value
    except _UNREADABLE:
        return
    if not isinstance(items, Sequence):
        return
    for item in items:
        texts = {part: text_of(item, part) for part in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")}
        if all(texts.values()):
            code = Dataset()
            for part, text in texts.items():
                _put(code, part, text)
            yield code


def _spacing(header: Dataset, keyword: str) -> tuple[str, ...]:
    values = _values(header, keyword)
    valid = len(values) == 2 and all(_is_valid("DS", value) and _FINEST < float(value) < _COARSEST for value in values)
    return values if valid else ()


def _directions(header: Dataset) -> tuple[str, ...]:
    """ImageOrientationPatient, if it is two directions at right angles, each of length 1 (DICOM PS3.3 C.7.6.2.1.1)."""
    values = _values(header, "ImageOrientationPatient")
    if len(values) != 6 or not all(_is_valid("DS", value) for value in values):
        return ()
    numbers = [float(value) for value in values]
    rows, columns = numbers[:3], numbers[3:]
    lengths = math.hypot(*rows), math.hypot(*columns)
    straight = abs(sum(one * other for one, other in zip(rows, columns, strict=True))) < _SLACK
    return values if straight and all(math.isclose(length, 1, abs_tol=_SLACK) for length in lengths) else ()


def _image(header: Dataset) -> Dataset:
    """What describes the picture, where it is valid."""
    image = Dataset()
    directions = _directions(header)
    if directions:
        _put(image, "ImageOrientationPatient", list(directions))
    orientation = _values(header, "PatientOrientation")
    if len(orientation) == 2 and all(re.fullmatch(r"[APRLHF]{1,3}", part) for part in orientation):
        _put(image, "PatientOrientation", list(orientation))
    spacing = next((found for keyword in _SPACINGS if (found := _spacing(header, keyword))), None)
    if spacing:
        _put(image, "PixelSpacing", list(spacing))
    aspect = _values(header, "PixelAspectRatio")
    if len(aspect) == 2 and all(re.fullmatch(r"[1-9]\d{0,8}", part) for part in aspect):
        _put(image, "PixelAspectRatio", list(aspect))
    for keyword, allowed in (
        ("BurnedInAnnotation", ("YES", "NO")),
        ("LossyImageCompression", ("00", "01")),
    ):
        if text_of(header, keyword) in allowed:
            _put(image, keyword, text_of(header, keyword))
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        values = _values(header, keyword)
        if values and all(_is_valid(dictionary_VR(keyword), value) for value in values):
            _put(image, keyword, list(values))
    return image


def _offset(text: str) -> timezone | None:
    """Read a TimezoneOffsetFromUTC, `&ZZXX` (DICOM PS3.3 C.12.1.1.8)."""
    match = re.fullmatch(r"([+-])(\d{2})([0-5]\d)", text)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    minutes = -minutes if match[1] == "-" else minutes
    return timezone(timedelta(minutes=minutes)) if -12 * 60 <= minutes <= 14 * 60 else None


def _character_set(header: Dataset, taken: Dataset) -> tuple[str, ...]:
    """The source's character set if it is a known one that holds every text taken; else Unicode.

    A source without one gets none as long as its texts are ASCII.
    """
    texts = [str(element.value) for element in taken.iterall() if element.VR != "SQ"]
    declared = _values(header, "SpecificCharacterSet")
    if not any(declared):
        return () if all(text.isascii() for text in texts) else (UNICODE,)
    if not _is_known(declared):
        return (UNICODE,)
    encodings = charset.convert_encodings(list(declared))
    return declared if all(_survives(text, encodings) for text in texts) else (UNICODE,)


def wide_enough(terms: tuple[str, ...], letters: str) -> tuple[str, ...]:
    """The character set if these letters can be written in it too; else Unicode."""
    if letters.isascii():
        return terms
    return terms if terms and _survives(letters, charset.convert_encodings(list(terms))) else (UNICODE,)


def _is_known(terms: tuple[str, ...]) -> bool:
    """One defined term, or several with code extensions (DICOM PS3.3 C.12.1.1.2)."""
    if len(terms) == 1:
        return terms[0] in charset.python_encoding
    return all(term.startswith("ISO 2022 IR") and term in charset.python_encoding for term in terms if term) and any(
        terms[1:]
    )


def _survives(text: str, encodings: list[str]) -> bool:
    """Whether a text can be written in these encodings and read again."""
    if not all(any(_can_write(character, encoding) for encoding in encodings) for character in set(text)):
        return False
    try:
        written = PersonName(text).encode(encodings)
        return bool(str(PersonName(written, encodings)) == text)
    except _UNREADABLE:
        return False


def _can_write(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True
