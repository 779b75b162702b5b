"""Studies from an archive that behaves, and from one that does not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from db import links, pulls, studies
from db.engine import Database
from db.records import StudyState
from db.schema import unlinked
from node import premises
from node.dicom.opening import Address, associate
from node.dicom.source import Source, Wanted
from node.errors import SettingsError, UnreachableError
from node.files import Folder
from node.retrieval import inbound
from node.retrieval.pull import Done, Outcome, Pull
from node.settings import load
from tests.db.label_rows import add_report
from tests.nodes import StartNode, chest, wait_for_study
from tests.peers.archive import QueryRetrieveScp
from tests.peers.processes import HOST, free_port

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
A1 = Wanted(accession_number="A1")


class StartPull(Protocol):
    """A pull from the fake archive; options are of the source, and of the pull."""

    def __call__(self, *, source: dict[str, Any] | None = None, max_mb: int = 16, **of_pull: Any) -> Pull: ...


@pytest.fixture
def pull(archive: QueryRetrieveScp, sqlite_database: Database, tmp_path: Path) -> Iterator[StartPull]:
    """Pulls into a new store; what is open is closed at the end."""
    sources: list[Source] = []
    store = Folder(tmp_path / "store", min_free_bytes=0)

    def start(*, source: dict[str, Any] | None = None, max_mb: int = 16, **of_pull: Any) -> Pull:
        options: dict[str, Any] = {"dicom.min_free_mb": 0, "dicom.max_instance_mb": max_mb}
        settings = load(None, data=tmp_path, sources=[archive.settings(**(source or {}))], **options)
        sources.append(inbound.source_of(settings, settings.sources[0]))
        usual: dict[str, Any] = {
            "name": "archive",
            "source": sources[-1],
            "database": sqlite_database,
            "intake": premises.open_intake(settings, sqlite_database, store, read=False, now=lambda: NOW),
            "chest_only": True,
            "now": lambda: NOW,
            "pace": lambda: None,
            "may_go_on": lambda: True,
        }
        return Pull(**usual | of_pull)

    yield start
    for each in sources:
        each.close()
    store.close()


def brought(work: Pull, *wanted: Wanted, limit: int | None = None) -> list[Done]:
    """What became of it."""
    dones: list[Done] = []
    work.bring(wanted, limit, lambda _wanted, done: dones.append(done))
    return dones


def study(number: int = 1, **elements: Any) -> FileDataset:
    """A study of one image under accession number A<number>."""
    usual = {"AccessionNumber": f"A{number}", "PatientID": f"P{number}"}
    uids = {name: generate_uid() for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    return chest(**usual | uids | elements)


def more_of(ds: FileDataset, **elements: Any) -> FileDataset:
    """Another image of the same series."""
    same = {name: ds[name].value for name in ("StudyInstanceUID", "SeriesInstanceUID", "AccessionNumber", "PatientID")}
    return chest(SOPInstanceUID=generate_uid(), **same | elements)


def outcomes(dones: list[Done]) -> list[Outcome]:
    """Their outcomes alone."""
    return [done.outcome for done in dones]


def test_study_is_kept_and_linked(pull: StartPull, archive: QueryRetrieveScp, sqlite_database: Database):
    """A study that a report waits for comes, is not read, and the report waits no more."""
    archive.holds = [study(1), study(2)]
    with sqlite_database.write() as connection:
        report_id = add_report(connection, "1")
        connection.execute(unlinked.insert().values(report_id=report_id))
    work = pull()

    dones = brought(work, *work.missing())

    assert outcomes(dones) == [Outcome.BROUGHT_IN]
    with sqlite_database.read() as connection:
        (here,) = studies.newest(connection, 10)
        assert links.counts(connection) == {"linked": 1}
    assert (here.accession_number, here.state) == ("A1", StudyState.KEPT)
    assert work.missing() == []


def test_study_is_read_where_that_is_asked_for(pull: StartPull, archive: QueryRetrieveScp, sqlite_database: Database):
    """With `read` the study is due to be read at once."""
    archive.holds = [study()]

    brought(pull(read=True), A1)

    with sqlite_database.read() as connection:
        (here,) = studies.settled(connection, NOW)
    assert here.state == StudyState.ARRIVING


def test_what_is_here_is_not_fetched_again(pull: StartPull, archive: QueryRetrieveScp):
    """The second time the archive is asked for its studies, and for none of their objects; by UID not even that."""
    archive.holds = [study()]
    brought(pull(), A1)
    asked = len(archive.questions)

    again = brought(pull(), A1, Wanted(study_instance_uid=archive.holds[0].StudyInstanceUID))

    assert outcomes(again) == [Outcome.HERE, Outcome.HERE]
    assert len(archive.fetches) == 1
    assert len(archive.questions) == asked + 1


def test_pull_that_broke_off_goes_on(pull: StartPull, archive: QueryRetrieveScp, sqlite_database: Database):
    """An abort in the middle of a study leaves what came; the next pull of what is missing brings the rest."""
    first = study()
    archive.holds = [first, more_of(first), more_of(first)]
    archive.abort_after = 2
    broken = brought(pull(), A1)
    archive.abort_after = None
    work = pull()

    wanted = work.missing()
    whole = brought(work, *wanted)

    assert outcomes(broken) == [Outcome.FAILED]
    assert "broke off" in broken[0].words
    assert wanted == [Wanted(study_instance_uid=first.StudyInstanceUID)]
    assert outcomes(whole) == [Outcome.BROUGHT_IN]
    assert whole[0].new < 3
    with sqlite_database.read() as connection:
        assert pulls.instance_count(connection, first.StudyInstanceUID) == 3
        assert pulls.begun(connection, "archive") == []


def test_another_study_than_was_asked_for_is_refused(
    pull: StartPull, archive: QueryRetrieveScp, sqlite_database: Database
):
    """An archive that sends an object of another study does not get it in."""
    archive.holds, archive.sends = [study()], [study(2)]

    (done,) = brought(pull(), A1)

    assert (done.outcome, done.words) == (Outcome.FAILED, "nothing of it was taken")
    assert dict(done.refused) == {"it is of another study than was asked for": 1}
    with sqlite_database.read() as connection:
        assert studies.newest(connection, 10) == []


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"AccessionNumber": "OTHER"}, Outcome.NOT_FOUND),
        ({"StudyInstanceUID": "../../etc"}, Outcome.NOT_FOUND),
        ({"StudyInstanceUID": ""}, Outcome.NOT_FOUND),
        ({"ModalitiesInStudy": "CT"}, Outcome.NO_CHEST),
        ({"ModalitiesInStudy": None}, Outcome.BROUGHT_IN),
        ({"SeriesInstanceUID": "1.2\\..\\3"}, Outcome.NO_CHEST),
        ({"Modality": "CT"}, Outcome.NO_CHEST),
    ],
)
def test_answers_are_looked_at(pull: StartPull, archive: QueryRetrieveScp, said: dict[str, Any], outcome: Outcome):
    """What is not the answer to the question is none; what cannot be a chest radiograph is left there."""
    archive.holds, archive.said = [study()], said

    dones = brought(pull(), A1)

    assert outcomes(dones) == [outcome]
    assert bool(archive.fetches) == (outcome is Outcome.BROUGHT_IN)


@pytest.mark.parametrize("number", ["*", "A?", "A1\\A2", " ", ""])
def test_question_for_more_than_one_number_is_not_asked(pull: StartPull, archive: QueryRetrieveScp, number: str):
    """A number that would mean every study of the archive is not asked for."""
    archive.holds = [study()]

    dones = brought(pull(), Wanted(accession_number=number))

    assert outcomes(dones) == [Outcome.FAILED]
    assert archive.questions == []


def test_number_is_asked_for_where_the_uid_is_unknown(pull: StartPull, archive: QueryRetrieveScp):
    """A report may name a study by a UID that the archive does not have."""
    archive.holds = [study()]

    dones = brought(pull(), Wanted(study_instance_uid="2.25.404", accession_number="A1"))

    assert outcomes(dones) == [Outcome.BROUGHT_IN]


def test_endless_answers_are_left(pull: StartPull, archive: QueryRetrieveScp):
    """An archive that never stops answering costs one failure, in bounded time and memory."""
    archive.holds, archive.endless = [study()], True

    (done,) = brought(pull(), A1)

    assert (done.outcome, done.words) == (Outcome.FAILED, "archive: it gives more answers than one study has")


def test_too_many_objects_are_left(pull: StartPull, archive: QueryRetrieveScp, sqlite_database: Database):
    """An archive that sends more objects than a study may have is left after so many."""
    first = study()
    archive.holds = [first, more_of(first), more_of(first)]

    (done,) = brought(pull(source={"max_instances": 2}), A1)

    assert (done.outcome, "max_instances" in done.words) == (Outcome.FAILED, True)
    with sqlite_database.read() as connection:
        assert pulls.instance_count(connection, first.StudyInstanceUID) == 2


def test_too_large_an_object_is_cut_off(pull: StartPull, archive: QueryRetrieveScp, sqlite_database: Database):
    """An object above the size limit is not taken into memory to its end."""
    large = study()
    large.PixelData = bytes(4 << 20)
    archive.holds = [large]

    (done,) = brought(pull(max_mb=1), A1)

    assert done.outcome is Outcome.FAILED
    assert "dicom.max_instance_mb" in done.words
    with sqlite_database.read() as connection:
        assert studies.newest(connection, 10) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0xA701, "archive answered 0xa701 to C-GET (it is out of resources)"),
        (0xC001, "archive answered 0xc001 to C-GET (it cannot process the question)"),
    ],
)
def test_refused_transfer_says_why(pull: StartPull, archive: QueryRetrieveScp, status: int, words: str):
    """A failure is shown in words, and the study is asked for again next time."""
    archive.holds, archive.get_status = [study()], status
    work = pull()

    (done,) = brought(work, A1)

    assert done.words == words
    assert work.missing() == [Wanted(study_instance_uid=archive.holds[0].StudyInstanceUID)]


def test_failed_question_says_why(pull: StartPull, archive: QueryRetrieveScp):
    """So is a question that the archive cannot answer."""
    archive.find_status = 0xA700

    (done,) = brought(pull(), A1)

    assert done.words == "archive answered 0xa700 to C-FIND (it is out of resources)"


def test_archive_that_is_down_ends_the_pull(pull: StartPull):
    """Nothing can be done without it."""
    work = pull(source={"port": free_port()})

    with pytest.raises(UnreachableError, match="archive does not answer"):
        brought(work, A1)


def test_archive_without_c_get_says_what_to_try(pull: StartPull):
    """A source that offers no C-GET may offer C-MOVE."""
    scp = QueryRetrieveScp(services="find move")
    try:
        work = pull(source={"port": scp.port})
        with pytest.raises(UnreachableError, match=r'does not offer C-GET .Study Root.: .* protocol = "cmove"'):
            brought(work, A1)
    finally:
        scp.stop()


def test_limit_and_end_of_the_window_stop_a_pull(pull: StartPull, archive: QueryRetrieveScp):
    """At most so many studies are brought in, and none is begun that may not be."""
    archive.holds = [study(number) for number in range(1, 5)]
    wanted = [Wanted(accession_number=f"A{number}") for number in range(1, 5)]
    open_for = iter([True, False])

    limited = brought(pull(), *wanted, limit=2)
    late = pull(may_go_on=lambda: next(open_for))

    assert outcomes(limited) == [Outcome.BROUGHT_IN] * 2
    assert not late.bring(wanted[2:], None, lambda _wanted, _done: None)
    assert len(archive.fetches) == 3


def test_studies_share_an_association(pull: StartPull, archive: QueryRetrieveScp):
    """Many studies are one conversation."""
    archive.holds = [study(number) for number in range(1, 5)]

    brought(pull(), *(Wanted(accession_number=f"A{number}") for number in range(1, 5)))

    assert archive.associations == 1


@pytest.mark.parametrize("entered", [False, True])
def test_c_move_to_a_node_that_the_archive_cannot_call(pull: StartPull, archive: QueryRetrieveScp, entered: bool):
    """Not entered there, or not running: the one sentence that most installations need first."""
    archive.holds = [study()]
    archive.destinations = {"CXRNODE": (HOST, free_port())} if entered else {}
    work = pull(source={"protocol": "cmove"})

    with pytest.raises(SettingsError, match="does not know the move destination 'CXRNODE', or cannot reach it: enter"):
        brought(work, A1)

    assert len(work.missing()) == 1


def test_what_our_own_c_move_brings_is_kept(start_node: StartNode):
    """What comes because we asked is kept; what a modality, or another's C-MOVE, sends to the same port is read."""
    node = start_node()
    studies_of = {"CXRNODE": study(1), "OTHER": study(2), None: study(3)}
    address = Address(name="node", ae_title="CXRNODE", host=HOST, port=node.scp.port)

    form = (studies_of[None].SOPClassUID, studies_of[None].file_meta.TransferSyntaxUID)
    assoc = associate(address, "ARCHIVE", [form])
    for originator, ds in studies_of.items():
        assoc.send_c_store(ds, originator_aet=originator, originator_id=None if originator is None else 1)
    assoc.release()

    for originator in ("OTHER", None):
        wait_for_study(node, studies_of[originator], StudyState.READ)
    wait_for_study(node, studies_of["CXRNODE"], StudyState.KEPT)
