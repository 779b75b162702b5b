"""Looking for reports, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from db import report_search, standing
from db.engine import Connection, Database
from db.report_search import FoundPage, Wanted, candidates, find
from db.schema import report, standing_label
from db.vocabulary import NORMAL, Assertion
from tests.db.label_rows import N, P, U, add_report, mine, say
from tests.db.rows import NOW


def at(minutes: int) -> dict[str, object]:
    """The own time of a report."""
    return {"version_at": NOW + timedelta(minutes=minutes)}


@pytest.fixture
def filled(database: Database) -> Database:
    """Seven reports, one of them in two versions, one cancelled; the id says the order in which they came."""
    with database.write() as connection:
        rows = [
            ("1", {"text": "Small left effusion. 100% certain."}, {"Effusion": P}),
            ("2", {"text": "No EFFUSION.", "patient_id": "P2"}, {"Effusion": N}),
            ("3", {"text": "Perhaps an effusion, left."}, {"Effusion": U}),
            ("4", {"text": "Clear."}, None),
            ("1", {"text": "Corrected: a mass, no effusion."}, {"Effusion": N, "Mass": P}),
            ("5", {"status": "cancelled", "text": "Cancelled effusion."}, {"Effusion": P}),
        ]
        for minute, (key, values, states) in enumerate(rows):
            id_ = add_report(connection, key, **at(minute), **values)
            mine(connection, id_, states, normal=states is None)
        add_report(connection, "6", **at(-60), text="Not mined effusion.")
        standing.refresh(connection, list(range(1, 8)))
    return database


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(), [6, 5, 4, 3, 2, 7]),
        (Wanted(accession_number="A1"), [5]),
        (Wanted(patient_id="P2"), [2]),
        (Wanted(finding="Effusion", assertion=Assertion.POSITIVE), []),
        (Wanted(finding="Effusion", assertion=Assertion.NEGATIVE), [5, 2]),
        (Wanted(finding="Effusion", assertion=Assertion.UNCERTAIN), [3]),
        (Wanted(finding=NORMAL), [4]),
        (Wanted(finding="Effusion", assertion=Assertion.NEGATIVE, patient_id="P1"), [5]),
        (Wanted(since=NOW + timedelta(minutes=2), until=NOW + timedelta(minutes=4)), [4, 3]),
        (Wanted(finding="Effusion", assertion=Assertion.NEGATIVE, until=NOW + timedelta(minutes=4)), [2]),
        (Wanted(words=("effusion",)), [6, 5, 3, 2, 7]),
        (Wanted(words=("left", "PERHAPS")), [3]),
        (Wanted(words=("100%",)), []),
        (Wanted(words=("effusion",), finding="Effusion", assertion=Assertion.NEGATIVE), [5, 2]),
    ],
)
def test_what_is_asked_for_is_found(filled: Database, wanted: Wanted, expected: list[int]):
    """The version that holds alone, the latest by its own time first."""
    with filled.read() as connection:
        found = find(connection, wanted, limit=10)

    assert [each.report_id for each in found.reports] == expected
    assert found.further is None


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(words=("effusion",)), Wanted(finding="Effusion", assertion=N)])
@pytest.mark.parametrize("looked_through", [1, 2, 2000])
def test_pages_follow_each_other(filled: Database, wanted: Wanted, looked_through: int, monkeypatch):
    """Nothing is there twice or left out, however many texts are looked through at a time."""
    monkeypatch.setattr(report_search, "LOOKED_THROUGH", looked_through)
    with filled.read() as connection:
        whole = _ids(find(connection, wanted, limit=50)) if looked_through == 2000 else None
        page = find(connection, wanted, limit=1)
        ids = _ids(page)
        while page.further is not None:
            page = find(connection, wanted, after=page.further, limit=1)
            ids += _ids(page)

    assert ids == sorted(ids, key=lambda id_: (id_ == 7, -id_))
    assert len(ids) == {Wanted(): 6, Wanted(words=("effusion",)): 5}.get(wanted, 2)
    assert whole in (None, ids)


def test_a_report_shows_what_it_says_now(filled: Database):
    """What a person said is in the list at once, and is found."""
    with filled.write() as connection:
        say(connection, "Hernia", P, report_id=3)
        (found,) = find(connection, Wanted(finding="Hernia"), limit=10).reports

    assert found.standing == standing.Standing(states={"Effusion": U, "Hernia": P}, normal=False)


def test_words_are_said_to_be_looked_for_in_so_many_texts(filled: Database, monkeypatch):
    """A page of words may be empty, and the search not at its end."""
    monkeypatch.setattr(report_search, "LOOKED_THROUGH", 2)
    with filled.read() as connection:
        page = find(connection, Wanted(words=("perhaps",)), limit=10)

    assert (page.reports, page.looked_through) == ((), 2)
    assert page.further is not None


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(), "ix_report_version_at_id"),
        (Wanted(accession_number="A77"), "ix_report_accession_number"),
        (Wanted(patient_id="P77", finding="Effusion"), "ix_report_patient_id"),
        (Wanted(finding="Hernia"), "standing_label"),
    ],
    ids=["all", "accession", "patient", "finding"],
)
def test_each_search_goes_by_an_index(database: Database, wanted: Wanted, index: str):
    """So that a million reports are no more than a thousand: the plan names the index and sorts no table."""
    with database.write() as connection:
        _many(connection, 3000)
        plan = _plan(connection, wanted)

    assert index in plan
    assert "Seq Scan on report" not in plan
    assert "SCAN report\n" not in plan


def _many(connection: Connection, number: int) -> None:
    first = add_report(connection, "0")
    row = dict(connection.execute(report.select()).mappings().one())
    del row["id"]
    values = [
        row | {"report_key": str(n), "accession_number": f"A{n}", "patient_id": f"P{n}"} | at(n)
        for n in range(1, number)
    ]
    for n, each in enumerate(values):
        each["version_at"] = NOW + timedelta(minutes=n)
    connection.execute(report.insert(), values)
    every_hundredth = [
        {"finding": "Hernia", "assertion": P, "report_id": first + n, "version_at": values[n - 1]["version_at"]}
        for n in range(100, number, 100)
    ]
    connection.execute(standing_label.insert(), every_hundredth)
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE report"))
        connection.execute(text("ANALYZE standing_label"))


def _plan(connection: Connection, wanted: Wanted) -> str:
    compiled = candidates(wanted, None).limit(51).compile(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # so few rows are quicker read from end to end
        rows = connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
    else:
        values = tuple(compiled.params[name] for name in compiled.positiontup or ())
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
    return "\n".join(str(row[-1]) for row in rows) + "\n"


def _ids(page: FoundPage) -> list[int]:
    return [each.report_id for each in page.reports]
