"""The words that pages have for what came otherwise."""

import pytest

from node.console import report_search, words
from node.console.filter import in_words


@pytest.mark.parametrize(
    ("written", "read"),
    [("20260318", "2026-03-18"), ("", ""), ("2026.03.18", "2026.03.18"), ("\u0662" * 8, "\u0662" * 8)],
)
def test_a_day_of_a_header_is_read_as_people_write_it(written: str, read: str) -> None:
    """And what is no day stays as it came."""
    assert words.date(written) == read


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "All studies"),
        ({"state": "not_read"}, "Not read"),
        (
            {"patient": "doe{", "from": "2026-03-14", "finding": "Pleural_Thickening", "state": "failed"},
            "Failed, with Pleural thickening, from 2026-03-14, patient doe{",
        ),
        ({"ae": "DX1", "accession": "A1", "to": "2026-03-14"}, "To 2026-03-14, sent by DX1, accession A1"),
    ],
)
def test_a_filter_of_studies_says_itself(asked: dict[str, str], said: str) -> None:
    """In one line, for a phone and for the way back to the list."""
    assert in_words(asked) == said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "All reports"),
        ({"state": "negative"}, "All reports"),
        ({"finding": "Effusion", "state": ""}, "Effusion positive"),
        ({"finding": "Normal", "state": "negative", "words": "a {b}"}, "Normal, with the words a {b}"),
        ({"finding": "Mass", "state": "uncertain", "until": "2026-03-14"}, "Mass uncertain, to 2026-03-14"),
    ],
)
def test_a_filter_of_reports_says_itself(asked: dict[str, str], said: str) -> None:
    """The same of reports."""
    assert report_search.in_words(dict.fromkeys(report_search.FIELDS, "") | asked) == said
