"""The words that pages have for what came otherwise."""

import pytest

from node.console import words


@pytest.mark.parametrize(
    ("written", "read"),
    [("20260318", "2026-03-18"), ("", ""), ("2026.03.18", "2026.03.18"), ("\u0662" * 8, "\u0662" * 8)],
)
def test_a_day_of_a_header_is_read_as_people_write_it(written: str, read: str) -> None:
    """And what is no day stays as it came."""
    assert words.date(written) == read
