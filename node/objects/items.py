"""Content items of a Structured Report (DICOM PS3.3 C.17.3), each with the concept name viewers look for."""

import highdicom.sr as hd
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from node.objects import codes
from node.objects.header import Source


def code(name: CodedConcept, value: CodedConcept, relationship: str) -> hd.CodeContentItem:
    """A coded answer to a coded question."""
    return hd.CodeContentItem(name=name, value=value, relationship_type=relationship)


def number(name: CodedConcept, value: float, unit: CodedConcept, relationship: str) -> hd.NumContentItem:
    """A number with its unit."""
    return hd.NumContentItem(name=name, value=value, unit=unit, relationship_type=relationship)


def text(value: str, relationship: str) -> hd.TextContentItem:
    """A comment in words."""
    return hd.TextContentItem(name=codes.COMMENT, value=value, relationship_type=relationship)


def image(source: Source, name: CodedConcept, relationship: str) -> hd.ImageContentItem:
    """A reference to a source image."""
    return hd.ImageContentItem(
        name=name,
        referenced_sop_class_uid=source.sop_class_uid,
        referenced_sop_instance_uid=source.sop_instance_uid,
        relationship_type=relationship,
    )


def hold(item: Dataset, content: list[Dataset]) -> None:
    """Give an item content that highdicom's own sequence does not know: items without a name, or by reference."""
    item.add_new("ContentSequence", "SQ", content)
