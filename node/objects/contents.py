"""What each kind of object holds, module by module, and where it is from: found by making some and comparing.

Two objects of one kind, made of images that differ in all they can, tell apart what is copied, what is made, and what
is always the same; a third, of an image that says next to nothing, what is not always there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from highdicom._standard_utils import get_iod_module_map, get_module_attribute_map, get_sop_class_iod_map
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from db.vocabulary import Code
from node.objects.encoding import stored_as
from node.objects.sample import LOCAL_SCHEME, samples

LANGUAGE_SCHEME = "RFC5646"
SHORT = 60
"""A value longer than this is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute at the top of an object: `copied` from the image, always `value`, or else made by the node."""

    keyword: str
    copied: bool
    value: str | None
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A kind of object: its SOP Class, how it is stored, its attributes by module, and the codes in it.

    `codes` are those of the objects that were made: the templates' own are all among them, findings only some.
    """

    kind: ResultKind
    sop_class_uid: str
    transfer_syntax_uid: str
    modules: tuple[tuple[str, tuple[Attribute, ...]], ...]
    codes: frozenset[Code]


def contents() -> tuple[Contents, ...]:
    """Every kind of object that the node makes."""
    one, other, bare = samples()
    return tuple(
        Contents(
            kind=kind,
            sop_class_uid=str(one.objects[kind].SOPClassUID),
            transfer_syntax_uid=stored_as(one.objects[kind]),
            modules=_modules(
                str(one.objects[kind].SOPClassUID),
                _attributes((one.header, other.header), (one.objects[kind], other.objects[kind]), bare.objects[kind]),
            ),
            codes=frozenset(code for sample in (one, other, bare) for code in _codes(sample.objects[kind])),
        )
        for kind in ResultKind
    )


def _attributes(headers: tuple[Dataset, Dataset], made: tuple[Dataset, Dataset], bare: Dataset) -> list[Attribute]:
    tags = sorted({element.tag for ds in (*made, bare) for element in ds})
    return [_attribute(keyword_for_tag(tag), headers, made, bare) for tag in tags]


def _attribute(
    keyword: str, headers: tuple[Dataset, Dataset], made: tuple[Dataset, Dataset], bare: Dataset
) -> Attribute:
    here = [ds[keyword] for ds in (*made, bare) if keyword in ds]
    pairs = zip(made, headers, strict=True)
    copied = all(keyword in ds and keyword in header and ds[keyword] == header[keyword] for ds, header in pairs)
    same = all(element == here[0] for element in here)
    return Attribute(
        keyword=keyword,
        copied=copied,
        value=_shown(here[0]) if same and not copied else None,
        always=len(here) == 3,
    )


def _shown(element: DataElement) -> str | None:
    if element.VR in ("SQ", "OB", "OW", "UN"):
        return None
    value = "\\".join(str(each) for each in element.value) if element.VM > 1 else str(element.value)
    return value if len(value) <= SHORT else None


def _codes(ds: Dataset) -> Iterator[Code]:
    """The codes in an object, however deep, but for languages and what the image brought along."""
    if ds.get("CodingSchemeDesignator", LANGUAGE_SCHEME) not in (LANGUAGE_SCHEME, LOCAL_SCHEME):
        yield Code(value=str(ds.CodeValue), scheme=str(ds.CodingSchemeDesignator), meaning=str(ds.CodeMeaning))
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                yield from _codes(item)


def _modules(sop_class_uid: str, attributes: list[Attribute]) -> tuple[tuple[str, tuple[Attribute, ...]], ...]:
    """The attributes by the first module of the IOD that has them (DICOM PS3.3 annex A)."""
    rest = {each.keyword: each for each in attributes}
    found = []
    known = get_module_attribute_map()
    for module in get_iod_module_map()[get_sop_class_iod_map()[sop_class_uid]]:
        keywords = [each["keyword"] for each in known[module["key"]] if not each["path"]]
        here = tuple(rest.pop(keyword) for keyword in keywords if keyword in rest)
        if here:
            found.append((_title(module["key"]), here))
    if rest:
        found.append(("Others", tuple(rest.values())))
    return tuple(found)


def _title(key: str) -> str:
    words = {"sr": "SR", "sop": "SOP", "sc": "SC", "lut": "LUT", "voi": "VOI", "icc": "ICC"}
    return " ".join(words.get(word, word.capitalize()) for word in key.split("-"))
