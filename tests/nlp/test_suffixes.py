"""Sections of reports that came in observations with suffixes."""

import pytest

from db.report_records import ReportSection
from nlp.miner import Miner
from nlp.sections import SectionName, SectionReader
from nlp.suffixes import read
from nlp.thesaurus import Lexicon

FINDINGS, IMPRESSION, BODY, OTHER, INDICATION = (
    SectionName.FINDINGS,
    SectionName.IMPRESSION,
    SectionName.BODY,
    SectionName.OTHER,
    SectionName.INDICATION,
)


def runs(*parts: tuple[str, str]) -> tuple[str, tuple[ReportSection, ...]]:
    """A report's text and its runs, from suffixes and their texts."""
    text, found = "", []
    for suffix, part in parts:
        found.append(ReportSection(suffix=suffix, start=len(text), end=len(text) + len(part)))
        text += part + "\n"
    return text.removesuffix("\n"), tuple(found)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([("GDT", "Clear."), ("IMP", "Normal.")], [(FINDINGS, "Clear."), (IMPRESSION, "Normal.")]),
        ([("", "Clear."), ("IMP", "Normal.")], [(FINDINGS, "Clear."), (IMPRESSION, "Normal.")]),
        ([("ADT", "Nodule."), ("GDT", "Clear.")], [(IMPRESSION, "Nodule."), (FINDINGS, "Clear.")]),
        ([("REC", "CT."), ("GDT", "Clear.")], [(OTHER, "CT."), (FINDINGS, "Clear.")]),
        ([("", "Clear.")], [(BODY, "Clear.")]),
        ([("", "FINDINGS:\nClear.")], [(FINDINGS, "\nClear.")]),
        (
            [("GDT", "CHEST PA\nINDICATION: cough\nFINDINGS: Clear."), ("IMP", "IMPRESSION: Normal.")],
            [(BODY, "CHEST PA"), (INDICATION, " cough"), (FINDINGS, " Clear."), (IMPRESSION, " Normal.")],
        ),
        ([("GDT", "Clear.\nINDICATION: cough")], [(FINDINGS, "Clear."), (INDICATION, " cough")]),
        ([("GDT", ""), ("IMP", "Normal.")], [(IMPRESSION, "Normal.")]),
        ([], []),
    ],
)
def test_suffix_names_what_no_heading_names(
    parts: list[tuple[str, str]], expected: list[tuple[SectionName, str]], lexicon: Lexicon
):
    """Headings say more than suffixes; places are those of the whole text."""
    text, of_text = runs(*parts)

    found = read(text, of_text, SectionReader(lexicon.headings))

    assert [(each.name, each.text) for each in found] == expected
    assert all(text[each.start : each.start + len(each.text)] == each.text for each in found)


def test_mentions_are_placed_in_the_whole_text(miner: Miner):
    """Whoever highlights a mention in the stored report finds it."""
    text, of_text = runs(("GDT", "No pneumothorax."), ("IMP", "Small effusion."))

    mined = miner.mine(miner.sections(text, of_text))

    assert [(text[each.start : each.end], each.section) for each in mined.evidence] == [
        ("pneumothorax", FINDINGS),
        ("effusion", IMPRESSION),
    ]
