"""Which results go to which destination."""

import pytest

from db import deliveries, studies
from db.engine import Database
from db.records import JobKind
from db.result_records import DEFAULT_KINDS, DeliveryState, ResultKind
from node.destinations.routes import PROFILES, Route, dispatch, kinds_of
from tests.db.rows import NOW, add_job, add_result, add_study, arrival, claimed

EVERY = Route(name="pacs", kinds=PROFILES["full"])
PICKY = Route(name="clinic", kinds=frozenset({ResultKind.SR}), only_above=True)


@pytest.mark.parametrize(("above", "queued", "withheld"), [(True, ["pacs", "clinic"], 0), (False, ["pacs"], 1)])
def test_destination_gets_its_kinds_and_maybe_only_findings(
    above: bool, queued: list[str], withheld: int, sqlite_database: Database
):
    """A study without a finding is withheld from who wants only findings, and that is seen."""
    with sqlite_database.write() as connection:
        study_id = add_study(connection)
        add_job(connection, study_id)
        job = claimed(connection)
        made = [
            (add_result(connection, study_id, job.id, number, kind=kind), kind)
            for number, kind in enumerate((ResultKind.SR, ResultKind.OVERLAY), start=1)
        ]

        ids = dispatch(connection, [EVERY, PICKY], job, made, above=above, now=NOW)

        jobs_made = [claimed(connection) for _ in ids]
        counts = deliveries.counts(connection)
    assert [(each.kind, each.destination) for each in jobs_made] == [(JobKind.DELIVER, name) for name in queued]
    assert counts["pacs.waiting"] == 2
    assert counts.get(f"clinic.{DeliveryState.WITHHELD}", 0) == withheld


def test_who_got_a_finding_gets_the_report_that_takes_it_back(sqlite_database: Database):
    """A later revision without a finding goes where the earlier one went."""
    with sqlite_database.write() as connection:
        study_id = add_study(connection)
        add_job(connection, study_id)
        job = claimed(connection)
        earlier = add_result(connection, study_id, job.id, 1)
        dispatch(connection, [PICKY], job, [(earlier, ResultKind.SR)], above=True, now=NOW)
        new = add_result(connection, study_id, job.id, 2, revision=2)

        dispatch(connection, [PICKY], job, [(new, ResultKind.SR)], above=False, now=NOW)

        assert [each.state for each in deliveries.of_result(connection, new)] == [DeliveryState.WAITING]


def test_each_who_sent_an_image_has_a_way_of_its_own(sqlite_database: Database):
    """What goes back goes to every AE that sent some of the study, by a job and deliveries of its own."""
    back = Route(name="back", kinds=frozenset({ResultKind.SR}), return_to_sender=True)
    with sqlite_database.write() as connection:
        study_id = add_study(connection)
        studies.record_arrival(connection, arrival(2, calling_ae="CR 2"), settle_at=None)
        studies.record_arrival(connection, arrival(3, calling_ae="CR 2"), settle_at=None)
        add_job(connection, study_id)
        job = claimed(connection)
        made = [(add_result(connection, study_id, job.id), ResultKind.SR)]

        ids = dispatch(connection, [back], job, made, above=True, now=NOW)

        assert {claimed(connection).destination for _ in ids} == {"back:CR 2", "back:MODALITY"}
        assert deliveries.counts(connection) == {"back:CR 2.waiting": 1, "back:MODALITY.waiting": 1}


def test_kinds_to_build_are_what_anybody_gets():
    """What nobody gets is not built, but for the report, which later reports name."""
    only = Route(name="a", kinds=frozenset({ResultKind.OVERLAY, ResultKind.NOT_PROCESSED}))

    assert kinds_of([]) == DEFAULT_KINDS
    assert kinds_of([only]) == {ResultKind.OVERLAY, ResultKind.SR}
    assert kinds_of([only, EVERY]) == PROFILES["full"] - {ResultKind.NOT_PROCESSED}
