"""Values of a header that break the standard are as good as none."""

import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from inference.header import items, number, text


@pytest.mark.parametrize("vr", ["US", "FD", "SQ", "DS"])
def test_broken_value_is_no_number(vr: str) -> None:
    """A value of thirteen bytes under any VR is no number, no sequence and no error."""
    header = Dataset()
    for keyword in ("WindowCenter", "VOILUTSequence"):
        tag = Tag(keyword)
        header[tag] = RawDataElement(tag, vr, 13, bytes(13), 0, False, True)

    assert number(header, "WindowCenter") is None
    assert items(header, "VOILUTSequence") == ()


def test_sequence_is_no_text() -> None:
    """A sequence where text is due is not printed."""
    header = Dataset()
    header.add_new(Tag("PhotometricInterpretation"), "SQ", [Dataset()])

    assert text(header, "PhotometricInterpretation") == ""
