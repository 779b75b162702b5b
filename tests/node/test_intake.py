"""Taking in one instance: the order that is the promise, and every way it can be refused."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from db import studies
from db.engine import Connection, Database
from db.errors import DatabaseUnavailableError
from db.records import Arrival
from node.errors import RefusedError
from node.file_meta import Origin
from node.files import Folder
from node.intake import BEGIN_BYTES, Intake
from node.register import Register
from tests.nested import with_nested
from tests.nodes import chest

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # the node silences pydicom too
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
DS = chest()


def encoded(ds: pydicom.Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as it goes over the wire."""
    buffer = BytesIO()
    copy = pydicom.Dataset({element.tag: element for element in ds})
    uid = pydicom.uid.UID(syntax)
    pydicom.dcmwrite(buffer, copy, implicit_vr=uid.is_implicit_VR, little_endian=uid.is_little_endian)
    return buffer.getvalue()


def origin(ds: pydicom.Dataset = DS, **values: str) -> Origin:
    """What the association says of it."""
    usual = {
        "sop_class_uid": str(ds.SOPClassUID),
        "sop_instance_uid": str(ds.SOPInstanceUID),
        "transfer_syntax_uid": str(ExplicitVRLittleEndian),
        "calling_ae": "MODALITY",
        "calling_address": "127.0.0.1",
    }
    return Origin(**usual | values)


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """An empty database."""
    return sqlite_database


@pytest.fixture
def intake(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Intake:
    """An intake with a quiet period of 5 s, which takes up to 1 MB."""
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
    store = Folder(tmp_path / "store")
    register = Register(database=database, store=store)
    return Intake(
        store=store, database=database, register=register, quiet_s=5, max_instance_bytes=10**6, now=lambda: NOW
    )


def files(tmp_path: Path) -> list[Path]:
    """All there is in the store."""
    return [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def arrived(database: Database) -> int:
    """How many instances have rows."""
    with database.read() as connection:
        return len(studies.instances(connection))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_instance_is_kept_bit_for_bit_with_its_rows(syntax: str, intake: Intake, database: Database, tmp_path: Path):
    """A stored file is the sent data set behind a header of its own, and its row names patient and study."""
    data = encoded(DS, syntax)

    uid = intake.receive([data[:1001], memoryview(data)[1001:]], origin(transfer_syntax_uid=str(syntax)))

    (file,) = files(tmp_path)
    with database.read() as connection:
        (study,) = studies.newest(connection, 2)
        (instance,) = studies.instances(connection)
    assert file.read_bytes().endswith(data)
    assert pydicom.dcmread(file).file_meta.TransferSyntaxUID == syntax
    assert uid == study.study_instance_uid == DS.StudyInstanceUID
    assert (study.patient_id, study.accession_number) == (DS.PatientID, DS.AccessionNumber)
    assert study.settle_at == NOW + timedelta(seconds=5)
    assert (instance.size, instance.path) == (len(data), str(file.relative_to(tmp_path / "store")))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("long", [BEGIN_BYTES - 40, BEGIN_BYTES, 3 * BEGIN_BYTES])
def test_header_is_read_however_long_it_is(long: int, syntax: str, intake: Intake, database: Database):
    """A header that ends behind what is kept of the data set in memory is read from the file."""
    ds = deepcopy(DS)
    ds.add_new(0x00090010, "LO", "SITE")
    ds.add_new(0x00091001, "UN", b"x" * (long + long % 2))
    data = encoded(ds, syntax)

    intake.receive([data[:1001], memoryview(data)[1001:]], origin(transfer_syntax_uid=str(syntax)))

    with database.read() as connection:
        (study,) = studies.newest(connection, 2)
    assert (study.study_instance_uid, study.patient_id) == (ds.StudyInstanceUID, ds.PatientID)


def test_answer_comes_after_bytes_name_folder_and_rows(intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When the modality hears success, object, name, folder and rows are on disk, in this order."""
    steps: list[str] = []
    fsync, rename, write = os.fsync, Path.rename, Database.write

    def noted_fsync(fd: int) -> None:
        fsync(fd)
        path = Path(f"/proc/self/fd/{fd}").readlink()
        steps.append("sync object" if path.suffix == ".part" else f"sync folder {path.relative_to(tmp_path)}")

    def noted_rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(path, target)

    @contextmanager
    def noted_write(database: Database) -> Iterator[Connection]:
        with write(database) as connection:
            yield connection
        steps.append("commit")

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    monkeypatch.setattr(Database, "write", noted_write)

    intake.receive([encoded(DS)], origin())
    steps.append("answer")

    (file,) = files(tmp_path)
    day = f"sync folder {file.parent.relative_to(tmp_path)}"
    assert steps[0] == "sync object"
    assert steps[-4:] == ["rename", day, "commit", "answer"]
    assert steps.count("rename") == 1


@pytest.mark.parametrize("call", ["fsync", "write", "open"])
def test_full_disk_leaves_no_part_and_no_row(
    call: str, intake: Intake, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A disk that fills up costs the instance and nothing else; with room again the next one is stored."""

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    data = encoded(DS)
    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(OSError, match="No space"):
            intake.receive([data], origin())

    assert (files(tmp_path), arrived(database)) == ([], 0)
    intake.receive([encoded(DS)], origin())
    assert arrived(database) == 1


def test_database_that_is_down_gives_no_acknowledgement(
    intake: Intake, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without its rows an instance is not acknowledged, and no half file is left; sent again it is stored once."""

    def down(_connection: Connection, _arrival: Arrival, **_options: object) -> bool:
        raise DatabaseUnavailableError

    with monkeypatch.context() as patched:
        patched.setattr(studies, "record_arrival", down)
        with pytest.raises(DatabaseUnavailableError):
            intake.receive([encoded(DS)], origin())

    assert not list(tmp_path.rglob("*.part"))
    assert intake.receive([encoded(DS)], origin()) == DS.StudyInstanceUID
    assert arrived(database) == 1


def test_same_bytes_again_leave_one_file(intake: Intake, database: Database, tmp_path: Path):
    """A repeated instance is answered with success and takes no second place on the disk."""
    for _ in range(3):
        assert intake.receive([encoded(DS)], origin()) == DS.StudyInstanceUID

    assert (len(files(tmp_path)), arrived(database)) == (1, 1)


def test_data_set_above_the_limit_is_refused_while_it_arrives(intake: Intake, database: Database, tmp_path: Path):
    """A data set without end is refused at the limit, not when the disk is full."""
    used = 0

    def endless() -> Iterator[bytes]:
        nonlocal used
        while True:
            used += 1
            yield bytes(100_000)

    with pytest.raises(RefusedError) as error:
        intake.receive(endless(), origin())

    assert (error.value.status, used) == (0xA700, 11)
    assert (files(tmp_path), arrived(database)) == ([], 0)


@pytest.mark.parametrize(
    "uid", ["", "../../etc/passwd", "1.2.3/4", "1.2..3", ".1.2", "1.2.", "1" * 65, "1.2.\n3", "a.b"]
)
@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_uid_that_is_none_is_refused(keyword: str, uid: str, intake: Intake, database: Database, tmp_path: Path):
    """A path, a blank or a control character in place of a UID is answered with 0xA900 and leaves nothing."""
    ds = deepcopy(DS)
    ds[keyword] = pydicom.DataElement(keyword, "UI", uid, validation_mode=pydicom.config.IGNORE)
    data = encoded(ds)
    command = origin(sop_instance_uid=uid) if keyword == "SOPInstanceUID" else origin()

    with pytest.raises(RefusedError) as error:
        intake.receive([data], command)

    assert error.value.status == 0xA900
    assert (files(tmp_path), arrived(database)) == ([], 0)


@pytest.mark.parametrize(
    "values", [{"sop_instance_uid": "2.25.999"}, {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.7"}], ids=str
)
def test_command_and_data_set_that_differ_are_refused(values: dict[str, str], intake: Intake, tmp_path: Path):
    """An instance whose command names another one is refused with 0xA900."""
    with pytest.raises(RefusedError) as error:
        intake.receive([encoded(DS)], origin(**values))

    assert (error.value.status, files(tmp_path)) == (0xA900, [])


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<HH2sH", 8, 5, b"SS", 11) + b"ISO_IR .2.4",
        struct.pack("<HH2sHL", 8, 5, b"SQ", 0, 0xFFFFFFFF) + b"\x00",
    ],
    ids=["a length that is no multiple", "a sequence without an item"],
)
def test_header_that_is_none_is_not_asked_for_again(data: bytes, intake: Intake, tmp_path: Path):
    """What pydicom cannot read is refused for good (0xC000), not as if the disk were full, which is sent for ever."""
    with pytest.raises(RefusedError) as error:
        intake.receive([data], origin())

    assert (error.value.status, files(tmp_path)) == (0xC000, [])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_garbage_is_refused_and_leaves_nothing(data: st.DataObject, intake: Intake, tmp_path: Path):
    """Whatever bytes come as a data set, they are stored whole or refused with a status."""
    whole = encoded(DS)[:1500]
    garbage = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(whole) - 4))
        garbage[place : place + 4] = data.draw(st.binary(min_size=1, max_size=8))
    sent = bytes(garbage) if data.draw(st.booleans()) else data.draw(st.binary(max_size=200))
    syntax = data.draw(st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]))
    before = len(files(tmp_path))

    try:
        intake.receive([sent], origin(transfer_syntax_uid=str(syntax)))
        status = 0
    except RefusedError as error:
        status = error.status

    assert status in (0, 0xA900, 0xC000)
    assert len(files(tmp_path)) - before in ((0, 1) if status == 0 else (0,))
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("sent", "kept"), [("JANE\x00DOE", "JANE DOE"), ("a\x1b[31mred", "a [31mred"), ("  spaced  ", "spaced")]
)
def test_control_characters_do_not_reach_the_database(sent: str, kept: str, intake: Intake, database: Database):
    """A header's control characters reach neither a terminal nor a page."""
    ds = deepcopy(DS)
    ds[0x00080050] = pydicom.DataElement(0x00080050, "SH", sent, validation_mode=pydicom.config.IGNORE)

    intake.receive([encoded(ds)], origin())

    with database.read() as connection:
        assert studies.newest(connection, 1)[0].accession_number == kept


def test_release_settles_only_without_a_quiet_period(intake: Intake, database: Database):
    """With a quiet period the end of the association does not hurry the reading."""
    uid = intake.receive([encoded(DS)], origin())

    intake.released([uid])

    with database.read() as connection:
        assert studies.settled(connection, NOW) == []


def test_sequences_nested_without_end_are_refused(intake: Intake, database: Database, tmp_path: Path):
    """3,000 sequences in one another are malformed, not a fault of the node; nothing of them is left."""
    with pytest.raises(RefusedError) as refused:
        intake.receive([with_nested(encoded(DS), 3000)], origin())

    assert refused.value.status == 0xC000
    assert (files(tmp_path), arrived(database)) == ([], 0)
