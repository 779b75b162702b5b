"""What examination a report is of, from the words that senders use."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.examination import CHEST, OTHER_TECHNIQUE, RADIOGRAPH, examination
from db.vocabulary import Examination
from node.hl7 import message
from node.hl7.errors import Hl7Error
from node.hl7.message import Message

CHEST_RADIOGRAPHS = [
    ("", "XR CHEST PA/LAT"),
    ("", "CHEST 2 VIEWS"),
    ("", "CHEST 2V"),
    ("", "CXR"),
    ("", "cxr1v"),
    ("", "Portable chest"),
    ("", "CHEST PORT"),
    ("", "X-RAY CHEST"),
    ("", "Chest x ray, lateral decubitus"),
    ("", "XR_CHEST_PA"),
    ("", "XRCHEST"),
    ("", "Röntgen Thorax 2E"),
    ("", "Rx tórax"),
    ("", "Radiographie thoracique"),
    ("", "XR CHEST 1V POST THORACENTESIS"),
    ("", "PORTABLE CHEST FOR LINE PLACEMENT"),
    ("", "XR RIBS LEFT W PA CHEST"),
    ("", "XR ACUTE ABDOMEN SERIES WITH CHEST"),
    ("", "36643-5"),
    ("", "399208008"),
    ("", "CHEST [71046]"),
    ("", "IMG71045"),
    ("CR", "CHEST"),
    ("DX", "THORAX"),
    ("RX", "CHEST"),
    ("RAD", "CHEST"),
    ("rad", "Chest, routine"),
    ("BED", "Chest 1 view frontal"),
]
OTHERS = [
    ("", "CT CHEST W CONTRAST"),
    ("", "CTA CHEST"),
    ("", "CTCHEST"),
    ("", "MRI CHEST WO CONTRAST"),
    ("", "Mr thorax"),
    ("", "US CHEST"),
    ("", "PORTABLE ULTRASOUND CHEST"),
    ("", "PET/CT SKULL TO THIGH"),
    ("", "V/Q scan"),
    ("", "LUNG CANCER SCREENING LOW DOSE"),
    ("", "CHEST FLUOROSCOPY"),
    ("", "XR ABDOMEN"),
    ("", "PORTABLE ABDOMEN"),
    ("", "XR RIBS"),
    ("", "XR Thoracic Spine 1 View"),
    ("", "XR RIBS AND CHEST WALL"),
    ("", "Screening Mamm Bilat"),
    ("", "CHEST PORT PLACEMENT"),
    ("", "LUNG BIOPSY"),
    ("", "24627-2"),
    ("", "CHEST [71260]"),
    ("", "72020"),
    ("CT", "CHEST"),
    ("CR CT", "XR CHEST"),
    ("NMR", "CHEST"),
    ("RUS", "CHEST"),
    ("NMS", "LUNGS"),
    ("CT", "XR CHEST 2 VIEWS"),
    ("CR", "CT CHEST"),
    ("RAD", "CHEST ABDOMEN PELVIS"),
    ("MG", ""),
    ("DX", "HAND"),
]
UNKNOWNS = [
    ("", ""),
    ("", "CHEST"),
    ("RAD", ""),
    ("CR", ""),
    ("DX", "XR SING VIEW"),
    ("IMG", "Radiology Event"),
    ("", "胸部"),
]


@pytest.mark.parametrize(("modality", "procedure"), CHEST_RADIOGRAPHS)
def test_the_chest_as_radiographs_are_named(modality: str, procedure: str):
    """Whatever the site's wording, a chest radiograph's report is known as one."""
    assert examination(modality, procedure) is Examination.CHEST_RADIOGRAPH


@pytest.mark.parametrize(("modality", "procedure"), OTHERS)
def test_another_technique_or_part_of_the_body(modality: str, procedure: str):
    """A CT of the chest is not a radiograph, and a radiograph of the abdomen not the chest's."""
    assert examination(modality, procedure) is Examination.OTHER


@pytest.mark.parametrize(("modality", "procedure"), UNKNOWNS)
def test_words_that_do_not_say(modality: str, procedure: str):
    """What the order does not say is not guessed."""
    assert examination(modality, procedure) is Examination.UNKNOWN


@given(technique=st.sampled_from(sorted(OTHER_TECHNIQUE)), words=st.lists(st.sampled_from(sorted(RADIOGRAPH | CHEST))))
def test_no_words_make_a_radiograph_of_another_technique(technique: str, words: list[str]):
    """Of a CT's report comes no label of a radiograph, in whatever other words its order is written."""
    assert examination("", " ".join([*words, technique])) is Examination.OTHER
    assert examination(technique, " ".join(words)) is Examination.OTHER


@given(st.text(), st.text())
def test_any_text_has_an_answer(modality: str, procedure: str):
    """What a peer sends is never a fault."""
    assert examination(modality, procedure) in Examination


def test_orders_of_real_senders(shared_data: Path):
    """Of the public messages every order that names CT, MR, US, PET or IR in its text is another examination."""
    wrong = []
    for path in sorted((shared_data / "hl7_oru").rglob("*.hl7")):
        try:
            parsed = [message.parse(raw) for raw in message.split(path.read_bytes()).messages]
        except Hl7Error:
            continue
        orders = [order for each in parsed for order in _orders(each)]
        named = [(each, text) for each, text in orders if {"CT", "MR", "MRI", "US", "PETCT", "IR"} & set(text.split())]
        wrong += [text for (modality, text) in named if examination(modality, text) is not Examination.OTHER]

    assert wrong == []


def _orders(of: Message) -> list[tuple[str, str]]:
    return [(of.value(each, 24), of.value(each, 4, 2)) for each in of.segments if each.name == "OBR"]
