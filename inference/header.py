"""Reading header values that may be anything: wrong VR, lists, empty, broken bytes. Nothing here raises."""

import re
import struct

from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException
from pydicom.sequence import Sequence
from pydicom.tag import Tag

UNREADABLE = (
    ValueError,  # and its kind, as UnicodeError
    BytesLengthException,  # pydicom's, of no kind
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    RuntimeError,  # and RecursionError: sequences nested too deep
    MemoryError,
    OSError,
    EOFError,
    AssertionError,
    struct.error,
    Warning,  # pydicom warns of values that break the standard; some callers make warnings errors
)
"""What pydicom and the decoders below it raise at values and codestreams that break the standard."""


def text(ds: Dataset, keyword: str) -> str:
    """An attribute's value as plain text; "" where it is absent, empty or unreadable.

    Several values are joined by a backslash, as they are in the file.
    Bytes that pydicom has not parsed are taken as they are: only ASCII words are looked for in them.
    """
    try:
        element = ds.get_item(Tag(keyword))
        value = None if element is None else element.value
        if isinstance(element, RawDataElement) and isinstance(value, bytes):
            return value.decode("latin-1").strip(" \0")
    except UNREADABLE:
        return ""
    if value is None or isinstance(value, bytes | Dataset | Sequence):
        return ""
    if isinstance(value, str):
        return value.strip(" \0")
    try:
        return "\\".join(str(part).strip() for part in value)
    except UNREADABLE:
        return str(value)


def words(phrase: str) -> tuple[str, ...]:
    """A phrase's words in capitals: "Chest_PA (erect)" -> CHEST, PA, ERECT; "postero-anterior" is one."""
    joined = re.sub(r"(?i)(postero|antero)[- ](anterior|posterior)", r"\1\2", phrase)
    return tuple(re.findall(r"[^\W_]+", joined.upper()))


def number(ds: Dataset, keyword: str) -> float | None:
    """The first value of a numeric attribute; None where it is absent, empty or no finite number."""
    try:
        value = ds[keyword].value if keyword in ds else None
        if value is not None and not isinstance(value, str | bytes | int | float):
            value = value[0]
        result = float(value)  # type: ignore[arg-type]  # whatever it is: what float() refuses is caught
    except UNREADABLE:
        return None
    return result if abs(result) < float("inf") else None


def integer(ds: Dataset, keyword: str) -> int | None:
    """The first value of an attribute that is a whole number; None where it is anything else."""
    value = number(ds, keyword)
    return int(value) if value is not None and value == int(value) else None


def items(ds: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; none where it is absent or no sequence."""
    try:
        value = ds[keyword].value if keyword in ds else ()
        return tuple(item for item in value if isinstance(item, Dataset))
    except UNREADABLE:
        return ()
