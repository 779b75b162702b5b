"""The figures to reach, on the OpenI reports with human labels, where those are on this machine."""

import os
from pathlib import Path

import pytest

from nlp import spreadsheet, table2
from nlp.aggregate import NORMAL
from nlp.miner import Miner
from nlp.sections import SectionReader
from nlp.table2 import PAPER, Protocol, Score
from nlp.thesaurus import Lexicon

SHARED = Path(os.environ.get("CXR_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
GOLD = SHARED / "openi" / "openi_dev.csv"

pytestmark = pytest.mark.skipif(not GOLD.exists(), reason="the OpenI reports are not here")


@pytest.fixture(scope="module")
def scores(miner: Miner, lexicon: Lexicon) -> dict[Protocol, dict[str, Score]]:
    """Our rows of Table 2 by both protocols."""
    rows = list(spreadsheet.read(GOLD, SectionReader(lexicon.headings), table2.CLASSES))
    mined = list(miner.mine_all(row.report for row in rows))
    tables = {}
    for protocol in (Protocol.PAPER, Protocol.INDEXED):
        pairs = [
            (labels, frozenset(each.positive))
            for row, each in zip(rows, mined, strict=True)
            if (labels := table2.gold_of(row.columns, protocol)) is not None
        ]
        made = table2.table([gold for gold, _ in pairs], [ours for _, ours in pairs], replicates=0)
        tables[protocol] = {row.name: row.ours for row in made}
    return tables


@pytest.mark.parametrize(
    ("protocol", "average", "least"),
    [
        (Protocol.PAPER, "micro9", 0.965),
        (Protocol.PAPER, "micro8", 0.955),
        (Protocol.PAPER, "macro9", 0.925),
        (Protocol.INDEXED, "micro9", 0.945),
        (Protocol.INDEXED, "micro8", 0.94),
        (Protocol.INDEXED, "macro9", 0.905),
    ],
)
def test_the_averages_are_reached(
    scores: dict[Protocol, dict[str, Score]], protocol: Protocol, average: str, least: float
) -> None:
    """Labels are better than the best existing labeller's."""
    assert scores[protocol][average].f1 >= least


def test_precision_and_recall_are_both_high(scores: dict[Protocol, dict[str, Score]]) -> None:
    """Neither is bought with the other."""
    total = scores[Protocol.PAPER]["micro9"]

    assert min(total.precision, total.recall) >= 0.95


@pytest.mark.parametrize("finding", [name for name in table2.CLASSES if name != NORMAL] + [NORMAL])
def test_every_finding_is_mined_better_than_by_the_paper(
    scores: dict[Protocol, dict[str, Score]], finding: str
) -> None:
    """F1 is at least the paper's row."""
    assert round(scores[Protocol.PAPER][finding].f1, 2) >= PAPER[finding].f1
