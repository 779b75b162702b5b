"""Sections in the shapes that reports have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import sections, thesaurus
from nlp.sections import Section, SectionName, SectionReader

READER = SectionReader(thesaurus.load().headings)


def names(text: str) -> list[tuple[str, str]]:
    """Each section's name and its text without the white space round it."""
    return [(section.name.value, section.text.strip()) for section in READER.read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Clear lungs.", [("body", "Clear lungs.")]),
        ("FINDINGS: a\nIMPRESSION: b", [("findings", "a"), ("impression", "b")]),
        ("Findings: a. Impression: b.", [("findings", "a."), ("impression", "b.")]),
        ("FINDINGS\na\n\nIMPRESSION\nb", [("findings", "a"), ("impression", "b")]),
        ("Clinical History: x\r\nFindings: a\r\n", [("indication", "x"), ("findings", "a")]),
        ("XR CHEST\nCONCLUSION:\n1. a", [("body", "XR CHEST"), ("impression", "1. a")]),
        ("FINDINGS AND IMPRESSION: a", [("findings", "a")]),
        ("**Impression:** a", [("impression", "** a")]),
        ("The findings: are clear", [("body", "The findings: are clear")]),
        ("The result of history", [("body", "The result of history")]),
        ("", []),
    ],
)
def test_a_report_is_parted_at_its_headings(text: str, expected: list[tuple[str, str]]) -> None:
    """Headings stand on lines of their own, before a text, within a line, or nowhere."""
    assert names(text) == expected


@given(st.text(max_size=300))
def test_sections_lie_where_they_say(text: str) -> None:
    """A section's text is the report's text from its start on."""
    for section in READER.read(text):
        assert text[section.start : section.start + len(section.text)] == section.text


@pytest.mark.parametrize(
    ("there", "mined"),
    [
        (["indication", "findings", "impression"], ["findings", "impression"]),
        (["body", "findings"], ["findings"]),
        (["indication", "body"], ["body"]),
        (["indication", "comparison"], ["indication", "comparison"]),
    ],
)
def test_findings_and_impression_are_mined_else_what_there_is(there: list[str], mined: list[str]) -> None:
    """Indication and comparison are mined only where there is nothing else."""
    report = [Section(name=SectionName(name), text="x") for name in there]

    assert [section.name.value for section in sections.to_mine(report)] == mined
