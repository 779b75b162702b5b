"""Table 2, on reports counted by hand."""

import pytest

from nlp import table2
from nlp.errors import ReportFileError
from nlp.table2 import Protocol

GOLD = [{"Effusion"}, {"Effusion", "Mass"}, {"Normal"}, {"Normal"}]
OURS = [{"Effusion"}, {"Mass", "Nodule"}, {"Normal"}, {"Effusion"}]


def test_precision_recall_and_f1_are_as_counted_by_hand() -> None:
    """Effusion: one hit, one false, one missed; in all 3 hits, 2 false, 2 missed."""
    rows = {row.name: row.ours for row in table2.table(GOLD, OURS, replicates=0)}

    assert (rows["Effusion"].precision, rows["Effusion"].recall, rows["Effusion"].f1) == (0.5, 0.5, 0.5)
    assert (rows["Normal"].precision, rows["Normal"].recall) == (1.0, 0.5)
    assert (rows["micro9"].precision, rows["micro9"].recall) == (0.6, 0.6)
    assert (rows["micro8"].precision, rows["micro8"].recall) == (0.5, pytest.approx(2 / 3))
    assert rows["macro9"].f1 == pytest.approx((0.5 + 1.0 + 2 / 3) / 9)


def test_the_interval_holds_the_score_and_is_the_same_each_time() -> None:
    """The bootstrap has a fixed seed."""
    once = table2.table(GOLD * 20, OURS * 20, replicates=50)
    again = table2.table(GOLD * 20, OURS * 20, replicates=50)

    assert once == again
    for row in once:
        assert row.ours.low is not None
        assert row.ours.high is not None
        assert row.ours.low <= row.ours.f1 <= row.ours.high


def test_the_printed_rows_stand_beside_ours() -> None:
    """The paper's total is .90, MetaMap's .86; there is none for micro8."""
    rows = {row.name: row for row in table2.table(GOLD, OURS, replicates=0)}

    assert rows["micro9"].paper is not None
    assert rows["micro9"].metamap is not None
    assert (rows["micro9"].paper.f1, rows["micro9"].metamap.f1) == (0.90, 0.86)
    assert rows["micro8"].paper is None


@pytest.mark.parametrize(
    ("row", "protocol", "labels"),
    [
        ({"Mass": "1", "in_paper_subset": "1", "no_indexing": "0"}, Protocol.PAPER, {"Mass"}),
        ({"Mass": "0", "in_paper_subset": "0", "no_indexing": "0"}, Protocol.PAPER, None),
        ({"Mass": "0", "in_paper_subset": "0", "no_indexing": "0"}, Protocol.INDEXED, set()),
        ({"Mass": "0", "in_paper_subset": "0", "no_indexing": "1"}, Protocol.INDEXED, None),
        ({"Mass": "0", "in_paper_subset": "0", "no_indexing": "1"}, Protocol.ALL, set()),
        ({"Mass": "1"}, Protocol.PAPER, {"Mass"}),
        ({"Mass": "0"}, Protocol.PAPER, None),
    ],
)
def test_a_protocol_says_which_reports_count(row: dict[str, str], protocol: Protocol, labels: set[str] | None) -> None:
    """By the file's own columns, else by the labels."""
    assert table2.gold_of(row, protocol) == labels


def test_no_report_is_no_table() -> None:
    """The sentence says so."""
    with pytest.raises(ReportFileError, match="no report"):
        table2.table([], [])
