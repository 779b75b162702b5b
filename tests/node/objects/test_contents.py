"""What is said of created objects is true of objects."""

from collections.abc import Iterator

import pytest
from pydicom.dataset import Dataset

from db.result_records import ResultKind
from node.objects import codes
from node.objects.contents import Attribute, Contents, contents
from node.objects.sample import Sample, samples
from node.process.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


@pytest.fixture(scope="module")
def made() -> dict[ResultKind, Contents]:
    return {each.kind: each for each in contents()}


@pytest.fixture(scope="module")
def objects() -> list[Dataset]:
    return [ds for sample in samples() for ds in sample.objects.values()]


def attribute(found: Contents, keyword: str) -> Attribute:
    """What is said of one attribute."""
    return next(each for _, attributes in found.modules for each in attributes if each.keyword == keyword)


def test_every_kind_is_described(made: dict[ResultKind, Contents]):
    """No result goes out that the statement does not know."""
    assert set(made) == set(ResultKind)


def test_every_attribute_has_its_module(made: dict[ResultKind, Contents], objects: list[Dataset]):
    """Each attribute of an object is in a module of its IOD, once."""
    for kind, found in made.items():
        keywords = [each.keyword for _, attributes in found.modules for each in attributes]
        assert "Others" not in [title for title, _ in found.modules]
        assert len(keywords) == len(set(keywords))
        assert set(keywords) >= {element.keyword for element in samples()[0].objects[kind]}


def test_origin_of_attributes(made: dict[ResultKind, Contents]):
    """What is copied, what is fixed, and what is made, are told apart."""
    sr, seg = made[ResultKind.SR], made[ResultKind.SEG]

    assert attribute(sr, "PatientName") == Attribute(keyword="PatientName", copied=True, value=None, always=True)
    assert attribute(sr, "PatientAge") == Attribute(keyword="PatientAge", copied=True, value=None, always=False)
    assert attribute(sr, "Modality") == Attribute(keyword="Modality", copied=False, value="SR", always=True)
    assert attribute(sr, "ContentDate") == Attribute(keyword="ContentDate", copied=False, value=None, always=True)
    assert not attribute(sr, "PredecessorDocumentsSequence").always
    assert attribute(seg, "InstanceNumber").value is None


def test_samples_are_the_same_each_time():
    """The statement does not change by itself."""
    once, again = (sample(number) for number in (0, 0))

    assert once.objects == again.objects


def sample(number: int) -> Sample:
    """One of the samples, made anew."""
    return samples()[number]


def test_no_private_attribute_is_made(objects: list[Dataset]):
    """The statement says that there is none."""
    assert [element.tag for ds in objects for element in ds.iterall() if element.tag.is_private] == []


def test_codes_are_the_nodes_or_a_templates(made: dict[ResultKind, Contents], objects: list[Dataset]):
    """Every code of an object is stated, but for languages and what the image brought along."""
    stated = {(each.value, each.scheme) for found in made.values() for each in found.codes}
    own = {(each.value, each.scheme) for each in codes.terms()}

    used = {code for ds in objects for code in codes_in(ds) if code[1] not in ("RFC5646", "99LOCAL")}

    assert used == stated
    assert {scheme for _, scheme in stated - own} == {"DCM", "SCT"}


def codes_in(ds: Dataset) -> Iterator[tuple[str, str]]:
    """Value and scheme of each code, however deep."""
    if "CodeValue" in ds:
        yield str(ds.CodeValue), str(ds.CodingSchemeDesignator)
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                yield from codes_in(item)


def test_objects_bear_the_nodes_own_name(objects: list[Dataset]):
    """An object names the same implementation as an association does (PS3.7 D.3.3.2)."""
    named = {(ds.file_meta.ImplementationClassUID, ds.file_meta.ImplementationVersionName) for ds in objects}

    assert named == {(IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME)}
