"""Table 1 and Figure 2 as counts, on both databases, against numbers that were counted by hand."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from db import census, tally
from db.engine import Connection, Database
from db.label_records import LeftOut
from db.tally import Cooccurrence, LabelTable
from db.vocabulary import EIGHT, FINDINGS
from tests.db.label_rows import P, add_report, counted, fill, mine, say
from tests.db.rows import add_study

NAMES = tuple(finding.name for finding in EIGHT)


def summed(connection: Connection, names: Sequence[str] = NAMES) -> tuple[LabelTable, Cooccurrence]:
    """Table 1 and Figure 2 of all that is there."""
    return tally.summed(census.whole(connection), names)


def test_table_of_a_store_counted_by_hand(database: Database):
    """Label, reports, overlap, uncertain, negative, gold, studies, images: as counted from the rows of `fill`."""
    with database.write() as connection:
        fill(connection)

        found = summed(connection)[0]

    rows = [(r.label, r.reports, r.overlap, r.uncertain, r.negative, r.gold, r.studies, r.images) for r in found.rows]
    assert rows == [
        ("Atelectasis", 1, 1, 0, 0, 0, 1, 2),
        ("Cardiomegaly", 0, 0, 0, 0, 0, 0, 0),
        ("Effusion", 2, 1, 0, 1, 1, 2, 3),
        ("Infiltration", 0, 0, 0, 0, 0, 0, 0),
        ("Mass", 0, 0, 0, 1, 0, 0, 0),
        ("Nodule", 0, 0, 1, 0, 0, 0, 0),
        ("Pneumonia", 0, 0, 0, 0, 0, 0, 0),
        ("Pneumothorax", 0, 0, 0, 1, 0, 0, 0),
        ("Normal", 1, None, None, None, 0, 1, 1),
        ("Uncertain only", 1, None, None, None, None, 0, 0),
        ("None of these", 1, None, None, None, None, 0, 0),
        ("Total", 5, 1, 1, 3, 1, 3, 4),
    ]


def test_table_says_what_it_is_of(database: Database):
    """A store that is half mined is not read as whole."""
    with database.write() as connection:
        fill(connection)

        found = summed(connection)[0].counted

    assert (found.reports, found.labelled, found.not_mined, found.unreadable) == (7, 5, 1, 1)
    assert (found.with_finding, found.uncertain_only, found.normal, found.none_of_these) == (2, 1, 1, 1)
    assert found.left_out == LeftOut(cancelled=1, other_examination=1)
    assert [(miner.lexicon_version, number) for miner, number in found.miners] == [("lex2", 6)]


def test_fourteen_findings_count_what_eight_do_not_see(database: Database):
    """The edema of report 9 is a finding then."""
    with database.write() as connection:
        fill(connection)

        found = summed(connection, tuple(FINDINGS))[0]

    assert {row.label: row.reports for row in found.rows}["Edema"] == 1
    assert (found.counted.with_finding, found.counted.none_of_these) == (3, 0)


def test_a_report_of_two_studies_is_counted_once(database: Database):
    """One report, both studies."""
    with database.write() as connection:
        both = [add_study(connection, uid) for uid in ("2.25.1", "2.25.2")]
        mine(connection, add_report(connection, "1", studies=both), {"Mass": P})

        row = {row.label: row for row in summed(connection)[0].rows}["Mass"]

    assert (row.reports, row.studies, row.images) == (1, 2, 2)


def test_gold_of_a_study_without_reports_is_counted(database: Database):
    """It is a study and a correction, but no report."""
    with database.write() as connection:
        say(connection, "Mass", P, study_id=add_study(connection))

        row = {row.label: row for row in summed(connection)[0].rows}["Mass"]

    assert (row.reports, row.gold, row.studies) == (0, 1, 1)


def test_empty_store_counts_nothing(database: Database):
    """A new node has a table of zeros."""
    with database.read() as connection:
        found, pairs = summed(connection)

    assert {row.reports for row in found.rows} == {0}
    assert not any(map(any, pairs.matrix))
    assert found.counted.miners == ()


def test_pairs_of_a_store_counted_by_hand(database: Database):
    """Effusion and atelectasis are together in report 1; effusion is alone in report 4."""
    with database.write() as connection:
        fill(connection)

        found = summed(connection)[1]

    place = {name: i for i, name in enumerate(found.findings)}
    effusion, atelectasis = place["Effusion"], place["Atelectasis"]
    assert found.matrix[effusion][effusion] == 2
    assert found.matrix[effusion][atelectasis] == found.matrix[atelectasis][effusion] == 1
    assert (found.alone[effusion], found.alone[atelectasis]) == (1, 0)
    assert sum(map(sum, found.matrix)) == 2 + 1 + 1 + 1


SETS = st.dictionaries(st.frozensets(st.sampled_from(list(FINDINGS))), st.integers(1, 50), max_size=8)


@given(SETS)
def test_matrix_is_symmetric_and_holds_every_report(sets: dict[frozenset[str], int]):
    """A finding has at least as many reports as are alone, and as it shares with any other."""
    found = tally.matrix_of(NAMES, Counter(sets), counted())

    for i, name in enumerate(NAMES):
        assert found.matrix[i][i] == sum(number for each, number in sets.items() if name in each)
        assert found.alone[i] == sum(number for each, number in sets.items() if each & set(NAMES) == {name})
        for j, other in enumerate(NAMES):
            assert found.matrix[i][j] == found.matrix[j][i] <= found.matrix[i][i]
            assert found.matrix[i][j] == sum(number for each, number in sets.items() if {name, other} <= each)
