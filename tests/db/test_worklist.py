"""The worklist's questions, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update

from db import jobs, positives, studies, worklist
from db.engine import Connection, Database
from db.progress import Progress
from db.records import JobKind, JobState, StudyState
from db.result_records import DeliveryState
from db.schema import delivery, job, result, study
from db.sought import sought
from db.worklist import Beside, Listing, Wanted
from tests.bench.large import fill
from tests.db.rows import NOW, add_job, add_result, arrival, claimed, later, record


def arrived(connection: Connection, number: int, **values: Any) -> int:
    """A study of this number, a second after the one before it; its row id."""
    uid = f"2.25.{number}"
    usual = {"study_instance_uid": uid, "received_at": later(number), "accession_number": f"A{number}"}
    return record(connection, arrival(number, **usual | values), later(number)).id


def numbers(listing: Listing) -> list[str]:
    """The accession numbers of a page, as they stand there."""
    return [row.study.accession_number for row in listing.rows]


def asked(database: Database, limit: int = 10, after: int | None = None, **wanted: Any) -> Listing:
    """A page of the list."""
    with database.read() as connection:
        return worklist.listing(connection, Wanted(**wanted), limit=limit, after=after)


def progress_of(database: Database) -> Progress:
    """How far the only study has got."""
    (row,) = asked(database).rows
    return row.progress


def read(connection: Connection, study_id: int, *states: DeliveryState) -> None:
    """A study is read, with a result that is in each of these states at a destination."""
    result_id = add_result(connection, study_id, add_job(connection, study_id), number=study_id)
    values = {"state": StudyState.READ, "revision": 1, "settle_at": None}
    connection.execute(update(study).where(study.c.id == study_id).values(values))
    rows = [{"result_id": result_id, "destination": f"d{place}", "state": state} for place, state in enumerate(states)]
    if rows:
        connection.execute(delivery.insert(), rows)


def test_pages_go_on_where_the_last_ended(database: Database) -> None:
    """Newest first, each study once, whatever comes meanwhile; the last page says that it is the last."""
    with database.write() as connection:
        for number in range(1, 6):
            arrived(connection, number)
    first = asked(database, limit=2)
    with database.write() as connection:
        arrived(connection, 6)
    second = asked(database, limit=2, after=first.after)
    third = asked(database, limit=2, after=second.after)

    assert [numbers(page) for page in (first, second, third)] == [["A5", "A4"], ["A3", "A2"], ["A1"]]
    assert third.after is None


def test_studies_of_one_moment_are_each_on_one_page(database: Database) -> None:
    """A time alone would lose or repeat them."""
    with database.write() as connection:
        for number in range(1, 5):
            arrived(connection, number, received_at=NOW)
    first = asked(database, limit=2)

    assert numbers(first) + numbers(asked(database, limit=2, after=first.after)) == ["A4", "A3", "A2", "A1"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["A3", "A2", "A1"]),
        ({"accession_number": "A2"}, ["A2"]),
        ({"calling_ae": "DX2"}, ["A3", "A2"]),
        ({"patient": "P3"}, ["A3"]),
        ({"patient": "muller"}, ["A2", "A1"]),
        ({"patient": "Müller, Be"}, ["A2"]),
        ({"patient": "山田"}, ["A3"]),
        ({"patient": "nobody"}, []),
        ({"patient": "^,"}, []),
        ({"finding": "Mass"}, ["A3", "A1"]),
        ({"finding": "Mass", "calling_ae": "DX2"}, ["A3"]),
        ({"received_from": later(2)}, ["A3", "A2"]),
        ({"received_before": later(2)}, ["A1"]),
        ({"received_from": later(2), "received_before": later(3), "calling_ae": "DX2"}, ["A2"]),
        ({"finding": "Mass", "received_before": later(3)}, ["A1"]),
        ({"patient": "muller", "received_from": later(2)}, ["A2"]),
        ({"progress": Progress.ARRIVING}, ["A3", "A2"]),
        ({"progress": Progress.READ, "finding": "Mass"}, ["A1"]),
        ({"accession_number": "A1", "progress": Progress.READ, "patient": "P1", "finding": "Mass"}, ["A1"]),
        ({"accession_number": "A1", "calling_ae": "DX2"}, []),
    ],
    ids=str,
)
def test_a_page_has_what_was_asked_for(database: Database, wanted: dict[str, Any], expected: list[str]) -> None:
    """Alone and together."""
    with database.write() as connection:
        one = arrived(connection, 1, calling_ae="DX1", patient_id="P1", patient_name="Müller^Anna")
        arrived(connection, 2, calling_ae="DX2", patient_id="P2", patient_name="MULLER^BERTA")
        three = arrived(connection, 3, calling_ae="DX2", patient_id="P3", patient_name="山田^太郎")
        positives.replace(connection, one, {"Mass": 0.8, "Effusion": 0.9})
        positives.replace(connection, three, {"Mass": 0.7})
        read(connection, one)

    assert numbers(asked(database, **wanted)) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), Progress.READ),
        (("withheld",), Progress.READ),
        (("committed", "withheld"), Progress.COMMITTED),
        (("committed", "asked"), Progress.SENT),
        (("sent",), Progress.SENT),
        (("committed", "waiting"), Progress.SENDING),
        (("waiting", "refused"), Progress.UNDELIVERED),
        (("lost",), Progress.UNDELIVERED),
        (("unconfirmed", "committed"), Progress.UNDELIVERED),
    ],
)
def test_a_read_study_is_as_far_as_its_deliveries(
    database: Database, states: tuple[str, ...], expected: Progress
) -> None:
    """The one that got least far says it; and it is found by it, and by no other."""
    with database.write() as connection:
        read(connection, arrived(connection, 1), *map(DeliveryState, states))

    assert progress_of(database) is expected
    assert [each for each in Progress if asked(database, progress=each).rows] == [expected]


def test_what_came_late_and_was_no_image_changes_nothing(database: Database) -> None:
    """The results of the revision before still say how far the study has got; those of an older one do not."""
    with database.write() as connection:
        study_id = arrived(connection, 1)
        read(connection, study_id, DeliveryState.REFUSED)
        newer = add_result(connection, study_id, add_job(connection, study_id, 2), number=9, revision=2)
        connection.execute(delivery.insert().values(result_id=newer, destination="d0", state=DeliveryState.COMMITTED))
        connection.execute(update(study).values(revision=3))

    assert progress_of(database) is Progress.COMMITTED


@pytest.mark.parametrize("state", [JobState.DEAD, JobState.FAILED])
def test_a_delivery_that_was_given_up_waits_for_a_person(database: Database, state: JobState) -> None:
    """As one that was refused does; not if another one has brought the results there."""
    with database.write() as connection:
        study_id = arrived(connection, 1)
        read(connection, study_id, DeliveryState.WAITING)
        job_id = add_job(connection, study_id, kind=JobKind.DELIVER, destination="d0")
        connection.execute(update(job).where(job.c.id == job_id).values(state=state))
    given_up = [numbers(asked(database, progress=Progress.UNDELIVERED)), progress_of(database)]
    with database.write() as connection:
        connection.execute(update(delivery).values(state=DeliveryState.SENT))

    assert given_up == [["A1"], Progress.UNDELIVERED]
    assert (numbers(asked(database, progress=Progress.UNDELIVERED)), progress_of(database)) == ([], Progress.SENT)


def test_a_study_goes_from_state_to_state(database: Database) -> None:
    """Arriving, queued, reading while its job runs, failed with the reason."""
    seen = []
    with database.write() as connection:
        study_id = arrived(connection, 1)
    seen.append(progress_of(database))
    with database.write() as connection:
        studies.begin_revision(connection, studies.get(connection, study_id))
        add_job(connection, study_id)
    seen.append(progress_of(database))
    with database.write() as connection:
        running = claimed(connection)
    seen.append(progress_of(database))
    with database.write() as connection:
        studies.end_revision(connection, study_id, 1, StudyState.FAILED)
        values = {"state": JobState.FAILED, "error": "The pixel data cannot be decoded."}
        connection.execute(update(job).where(job.c.id == running.id).values(values))
    (row,) = asked(database).rows

    assert seen == [Progress.ARRIVING, Progress.QUEUED, Progress.READING]
    assert (row.progress, row.reason) == (Progress.FAILED, "The pixel data cannot be decoded.")


def test_what_was_taken_back_is_not_shown_as_found(database: Database) -> None:
    """The study says so, and lists no finding."""
    with database.write() as connection:
        study_id = arrived(connection, 1)
        read(connection, study_id, DeliveryState.SENT)
        positives.replace(connection, study_id, {"Mass": 0.8})
        connection.execute(update(result).values(retracted_at=NOW, retraction_reason="quality"))
    (row,) = asked(database).rows

    assert (row.progress, row.findings) == (Progress.RETRACTED, ())


def test_what_is_looked_at_first_is_named_first(database: Database) -> None:
    """By urgency and then by probability; another reading replaces what the one before it found."""
    with database.write() as connection:
        study_id = arrived(connection, 1)
        positives.replace(connection, study_id, {"Hernia": 0.99})
        positives.replace(connection, study_id, {"Effusion": 0.9, "Cardiomegaly": 0.95, "Pneumothorax": 0.4})
    (row,) = asked(database).rows

    assert [(each.finding, each.probability) for each in row.findings] == [
        ("Pneumothorax", 0.4),
        ("Cardiomegaly", 0.95),
        ("Effusion", 0.9),
    ]


def test_a_page_that_was_not_filled_says_how_far_it_looked(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next one goes on there, to the end."""
    monkeypatch.setattr(worklist, "WINDOW", 3)
    with database.write() as connection:
        for number in range(1, 8):
            read(connection, arrived(connection, number), *([DeliveryState.SENT] if number == 1 else []))
    pages = [asked(database, progress=Progress.SENT)]
    while pages[-1].after is not None:
        pages.append(asked(database, progress=Progress.SENT, after=pages[-1].after))

    assert [numbers(page) for page in pages] == [[], [], ["A1"]]
    assert [page.looked_back_to for page in pages] == [later(5), later(2), None]


@pytest.mark.parametrize(
    ("wanted", "newer", "older"),
    [
        ({}, "2.25.4", "2.25.2"),
        ({"calling_ae": "DX1"}, "2.25.5", "2.25.1"),
        ({"finding": "Mass"}, None, "2.25.1"),
        ({"accession_number": "A4", "calling_ae": "MODALITY"}, "2.25.4", None),
        ({"received_from": later(3), "received_before": later(4)}, None, None),
    ],
    ids=str,
)
def test_a_study_has_a_newer_and_an_older_one_beside_it(
    database: Database, wanted: dict[str, Any], newer: str | None, older: str | None
) -> None:
    """Of the list that is wanted, whether it is in that list itself or not."""
    with database.write() as connection:
        ids = [arrived(connection, n, calling_ae="DX1" if n in (1, 5) else "MODALITY") for n in range(1, 6)]
        positives.replace(connection, ids[0], {"Mass": 0.8})
        found = [worklist.beside(connection, Wanted(**wanted), ids[2], newer=up) for up in (True, False)]

    assert found == [Beside(study_instance_uid=each, ends=each is None) for each in (newer, older)]


def test_studies_of_one_moment_stand_beside_each_other(database: Database) -> None:
    """Going on from the newest leads through all of them, and back the same way."""
    with database.write() as connection:
        ids = [arrived(connection, number, received_at=NOW) for number in range(1, 4)]
        down = [worklist.beside(connection, Wanted(), each, newer=False).study_instance_uid for each in reversed(ids)]
        up = [worklist.beside(connection, Wanted(), each, newer=True).study_instance_uid for each in ids]

    assert (down, up) == (["2.25.2", "2.25.1", None], ["2.25.2", "2.25.3", None])


def test_the_study_beside_another_is_looked_for_nearby(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none of those fits it is not said that the list ends; where there are no more, it is."""
    monkeypatch.setattr(worklist, "NEAR", 3)
    wanted = Wanted(progress=Progress.SENT)
    with database.write() as connection:
        ids = [arrived(connection, number) for number in range(1, 6)]
        for each in ids:
            read(connection, each)
        far, near = (worklist.beside(connection, wanted, each, newer=False) for each in (ids[4], ids[2]))

    assert [far, near] == [Beside(study_instance_uid=None, ends=ends) for ends in (False, True)]


def test_a_mark_changes_with_the_list(database: Database) -> None:
    """Whatever moves a study along; and nothing else does."""
    marks = []

    def note() -> None:
        with database.read() as connection:
            marks.append(worklist.mark(connection))

    note()
    with database.write() as connection:
        study_id = arrived(connection, 1)
    note()
    with database.write() as connection:
        studies.begin_revision(connection, studies.get(connection, study_id))
        add_job(connection, study_id)
    note()
    with database.write() as connection:
        running = claimed(connection)
    note()
    with database.write() as connection:
        jobs.end(connection, running, state=JobState.DONE, now=NOW)
    note()
    with database.write() as connection:
        read(connection, arrived(connection, 2), DeliveryState.ASKED)
    note()
    with database.write() as connection:
        connection.execute(update(delivery).values(state=DeliveryState.COMMITTED))
    note()
    same = len(marks)
    note()

    assert len(set(marks)) == same == len(marks) - 1


@given(st.text(max_size=30))
def test_a_name_is_found_by_how_it_is_kept(name: str) -> None:
    """Whatever its script: what a name became is found by typing that, and no blank is left over."""
    kept = sought(name)

    assert sought(kept) == kept
    assert kept == " ".join(kept.split())


@contextmanager
def plans(database: Database) -> Iterator[list[list[str]]]:
    """The query plan of every statement that is run in the block, step by step, what is below a step further in."""
    found: list[list[str]] = []

    def note(_connection, cursor, statement, parameters, _context, _many) -> None:  # type: ignore[no-untyped-def]
        if database.engine.dialect.name == "postgresql":
            cursor.execute(f"EXPLAIN {statement}", parameters)
            found.append([row[0].replace("->", "  ") for row in cursor.fetchall()])
            return
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        depth = {0: -1}
        steps = []
        for number, above, _, step in cursor.fetchall():
            depth[number] = depth[above] + 1
            steps.append("  " * depth[number] + step)
        found.append(steps)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def large(database: Database) -> Database:
    """Enough studies that an index is worth it."""
    fill(database, 4000, NOW)
    return database


IN_ORDER = [
    Wanted(),
    Wanted(progress=Progress.FAILED),
    Wanted(progress=Progress.COMMITTED),
    Wanted(finding="Effusion"),
    Wanted(finding="Effusion", calling_ae="MOBILE", received_from=NOW),
    Wanted(calling_ae="DXROOM1"),
    Wanted(received_from=NOW, received_before=later(60)),
]
"""What very many studies may be: an index has them in their order."""
FEW = [Wanted(accession_number="A7"), Wanted(patient="name12"), Wanted(progress=Progress.UNDELIVERED)]


def test_every_page_is_led_by_an_index(large: Database) -> None:
    """No table is gone through from end to end, and where there may be very many studies they are not sorted first.

    Nor for the study that stands next to another.
    """
    for wanted in (*IN_ORDER, *FEW):
        with large.read() as connection:
            if large.engine.dialect.name == "postgresql":  # else it goes through tables that are as small as these
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            with plans(large) as found:
                worklist.listing(connection, wanted, limit=50, after=3000)
                worklist.mark(connection)
            with plans(large) as above:
                worklist.beside(connection, wanted, 1000, newer=True)
            with plans(large) as below:
                worklist.beside(connection, wanted, 3000, newer=False)
        steps = [step for plan in (*found, *above, *below) for step in plan]

        assert not [step for step in steps if _scans(step)], "\n".join(steps)
        for plan in (found[1], above[1], below[1]):
            sorts = [step for step in candidates(plan) if "Sort" in step or "B-TREE" in step]
            assert not (wanted in IN_ORDER and sorts), "\n".join(plan)


def candidates(plan: list[str]) -> list[str]:
    """The steps of a plan by which it finds the studies to look at."""
    names = ("Limit", "CO-ROUTINE candidates", "MATERIALIZE candidates")  # PostgreSQL names the inner limit alone
    begin = max(place for place, step in enumerate(plan) if step.strip().startswith(names))
    deep = _depth(plan[begin])
    end = next((place for place in range(begin + 1, len(plan)) if _depth(plan[place]) <= deep), len(plan))
    return plan[begin:end]


def _depth(step: str) -> int:
    return len(step) - len(step.lstrip())


def _scans(step: str) -> bool:
    """Whether a step goes through a table, or through all of an index."""
    return "Seq Scan on" in step or (
        "SCAN " in step and not any(each in step for each in ("candidates", "matched", "CONSTANT"))
    )
