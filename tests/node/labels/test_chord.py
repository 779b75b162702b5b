"""The chord diagram: its arithmetic, and that its files are pictures with the names and counts in them."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from db.report_records import MinerIdentity
from db.tally import Cooccurrence, matrix_of
from db.vocabulary import EIGHT, FINDINGS
from node.errors import SettingsError
from node.labels import chord
from tests.db.label_rows import counted

NAMES = tuple(finding.name for finding in EIGHT)
SIZE = (round(chord.WIDTH_IN * chord.DPI), round(chord.HEIGHT_IN * chord.DPI))
MINER = MinerIdentity(lexicon_version="lex2", rules_version="rul1", language_model="model", policy="coded")

SOME = Counter(
    {
        frozenset(): 3000,
        frozenset({"Effusion"}): 1200,
        frozenset({"Effusion", "Atelectasis"}): 345,
        frozenset({"Effusion", "Atelectasis", "Pleural_Thickening"}): 22,
        frozenset({"Mass"}): 17,
    }
)
NOTHING: Counter[frozenset[str]] = Counter()
ONE_PAIR = Counter({frozenset({"Effusion", "Mass"}): 1})


def cooccurrence(sets: Counter[frozenset[str]], names: tuple[str, ...] = NAMES, not_mined: int = 0) -> Cooccurrence:
    """The matrix of these sets, and what it is of."""
    reports = sets.total()
    with_finding = reports - sets[frozenset()]
    facts = replace(
        counted(),
        reports=reports,
        labelled=reports,
        with_finding=with_finding,
        not_mined=not_mined,
        miners=((MINER, reports),),
    )
    return matrix_of(names, sets, facts)


def texts(path: Path) -> list[str]:
    """Every text of an SVG file."""
    return ["".join(element.itertext()) for element in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("names", [NAMES, tuple(FINDINGS)], ids=["eight", "fourteen"])
@pytest.mark.parametrize("sets", [SOME, ONE_PAIR, NOTHING], ids=["some", "one pair", "nothing"])
def test_png_is_a_picture_of_its_size_on_white(sets: Counter[frozenset[str]], names: tuple[str, ...], tmp_path: Path):
    """However little there is, the file is a whole picture on a light background."""
    chord.artist(tmp_path / "out.png")(cooccurrence(sets, names))

    with Image.open(tmp_path / "out.png") as image:
        assert (image.format, image.size) == ("PNG", SIZE)
        assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
        assert len(image.convert("RGB").getcolors(1 << 20)) > 20


def test_svg_holds_names_counts_and_what_it_is_of(tmp_path: Path):
    """Names with their reports and the share of those with another, the pairs, and the versions."""
    chord.artist(tmp_path / "out.svg")(cooccurrence(SOME, tuple(FINDINGS), not_mined=5))

    found = texts(tmp_path / "out.svg")

    spelled = {name.replace("_", " ") for name in FINDINGS}
    assert {"Atelectasis", "Effusion", "Mass", "Pleural Thickening"} == spelled.intersection(found)
    absent = " ".join(found).partition("In no report: ")[2]
    assert all(name in absent for name in spelled - set(found))
    assert {"1,567 (23 % with another)", "367 (100 % with another)", "17 (0 % with another)"} <= set(found)
    pairs = [re.sub(" +", " ", text) for text in found if " and " in text]
    assert "367 Atelectasis and Effusion" in pairs
    assert "1,584 reports with a finding, of 4,584 with labels" in found
    assert "lexicon lex2, rules rul1, policy coded" in found
    assert "NOT WHOLE: not mined yet: 5" in found


def test_empty_store_is_said_to_be_empty(tmp_path: Path):
    """No arc pretends to be a finding."""
    chord.artist(tmp_path / "out.svg")(cooccurrence(NOTHING))

    assert "No report has a finding yet." in texts(tmp_path / "out.svg")


@pytest.mark.parametrize("suffix", chord.SUFFIXES)
def test_same_counts_give_the_same_bytes(suffix: str, tmp_path: Path):
    """A picture changes only with its data."""
    for name in ("one", "two"):
        chord.artist(tmp_path / f"{name}{suffix}")(cooccurrence(SOME))

    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_other_files_are_refused_before_anything_is_done(tmp_path: Path):
    """A picture is a PNG or an SVG."""
    with pytest.raises(SettingsError, match=r"name a \.png or a \.svg file"):
        chord.artist(tmp_path / "out.jpg")


def test_missing_library_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A node without the extra says which one it is."""
    monkeypatch.setattr(chord, "find_spec", lambda name: None)

    with pytest.raises(SettingsError, match=r"pip install .*plots"):
        chord.artist(tmp_path / "out.png")


@given(st.lists(st.floats(-2.6, 2.6), max_size=14))
def test_names_never_overlap_nor_leave_the_page(wanted: list[float]):
    """Even all fourteen on one side have room."""
    placed = chord.spread(sorted(wanted, reverse=True), gap=0.4, reach=2.65)

    assert all(above - below >= 0.4 - 1e-9 for above, below in pairwise(placed))
    assert all(abs(place) <= 2.65 + 1e-9 for place in placed)


@given(st.dictionaries(st.frozensets(st.sampled_from(NAMES)), st.integers(1, 50), max_size=8))
def test_chords_fill_their_arcs_without_overlap(sets: dict[frozenset[str], int]):
    """Each arc is its reports alone and then its chords, one beside the other to the end."""
    found = chord.present(cooccurrence(Counter(sets)))

    drawn = chord.chords(found)

    for i, size in enumerate(chord.sizes(found)):
        parts = sorted([c.from_one for c in drawn if c.one == i] + [c.from_other for c in drawn if c.other == i])
        ends = [float(found.alone[i]), *(end for _, end in parts)]
        assert [start for start, _ in parts] == ends[:-1]
        assert ends[-1] == size or not any(map(any, found.matrix))
