"""Names and times as the pages show them, and patients masked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from node import wiring
from node.console import words
from node.console.frame import Frame
from node.console.masking import GONE, Mask, person_name
from node.errors import SettingsError
from node.parts import NodeRole
from node.settings import load
from training.pseudonym import KEY_FILE, Pseudonyms

MASK = Mask(Pseudonyms(bytes(32)))


@dataclass(frozen=True)
class Named:
    """A study."""

    patient_name: str = "MÜLLER-LI^Anna=山田^王"
    patient_id: str = "4711"
    accession_number: str = "A 12"


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("DOE^JANE^M^DR", "DOE, JANE M"),
        ("DOE", "DOE"),
        ("^JANE", "JANE"),
        ("=山田^太郎", "山田, 太郎"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou"),
        ("^^^^", ""),
        ("", ""),
    ],
)
def test_a_name_is_written_as_people_write_it(header: str, shown: str) -> None:
    """DICOM PS3.5 6.2.1.1: five components of up to three groups."""
    assert person_name(header) == shown


def test_a_value_has_one_pseudonym_and_nothing_has_none() -> None:
    """HMAC-SHA-256 of "4711" under 32 zero bytes, its first 32 bits."""
    assert MASK.value("4711") == MASK.value("4711") != MASK.value("4712")
    assert MASK.value("") == ""
    assert Mask(None).value("4711") == "4711"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ms. Anna Müller-Li, 4711.", f"Ms. {GONE} {GONE}, {GONE}."),
        ("ANNA was seen; order A 12", f"{GONE} was seen; order {GONE}"),
        ("Annatto stays, and 47110 too.", "Annatto stays, and 47110 too."),
        ("患者山田王、胸部", f"患者{GONE}{GONE}、胸部"),
        ("No pneumothorax.", "No pneumothorax."),
    ],
)
def test_a_report_is_without_its_patient(text: str, shown: str) -> None:
    """Whole words of Latin letters, in any case; other scripts wherever they stand."""
    assert MASK.text(text, Named()) == shown
    assert Mask(None).text(text, Named()) == text


def test_a_study_without_a_name_leaves_its_report_as_it_is() -> None:
    """Nothing to look for is nothing found."""
    assert MASK.text("Clear lungs.", Named(patient_name="^", patient_id=" ", accession_number="")) == "Clear lungs."


@pytest.mark.parametrize(("masked", "name"), [({}, MASK.value("DOE")), ({"masked": False}, "DOE")], ids=str)
def test_a_page_shows_a_patient_only_where_it_was_told_to(masked: dict[str, bool], name: str) -> None:
    """What says nothing is masked."""
    assert rendered("{{ name|patient }}", name="DOE", **masked) == name


def rendered(template: str, **values: object) -> str:
    """A template of one line, with the filters of the pages."""
    frame = Frame("<AE>", zone=ZoneInfo("Europe/Berlin"), mask=MASK)
    return frame._environment.from_string(template).render(values)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), "2026-03-02 00:30:00"),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "2026-07-01 14:00:00"),
    ],
)
def test_a_time_is_the_sites(at: datetime, expected: str) -> None:
    """In winter and in summer; a time that is none is nothing."""
    assert f">{expected}</time>" in rendered("{{ at|time }}", at=at)
    assert f">{expected[:10]}</time>" in rendered("{{ at|day }}", at=at)
    assert rendered("{{ at|time }}", at=None) == ""


def test_a_finding_has_a_name_for_people() -> None:
    """Whose label has an underscore."""
    assert words.finding("Pleural_Thickening") == "Pleural thickening"


def test_a_zone_that_is_none_is_refused() -> None:
    """With the key's name."""
    with pytest.raises(SettingsError, match=r"console\.time_zone"):
        load(None, **{"console.time_zone": "Europe/Nowhere"})


@pytest.mark.parametrize("masks", [True, False])
def test_a_site_that_masks_has_a_secret_for_it(tmp_path: Path, masks: bool) -> None:
    """The same that names patients in snapshots; without the setting none is made."""
    settings = {"data": tmp_path, "console.port": 0, "console.mask_patients": masks, "console.time_zone": "Asia/Tokyo"}

    wiring.build(load(None, **settings), {NodeRole.CONSOLE}).stop()

    assert (tmp_path / KEY_FILE).exists() == masks
