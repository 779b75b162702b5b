"""`cxr verify`: damage is found, set aside and told; nothing is ever marked that is well."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset

from db import audit, studies
from db.records import Absence, JobState, StoredInstance
from db.result_records import SopReference
from db.vocabulary import Reason
from node.destinations.commitment import Desk
from node.dicom.commitment import NO_SUCH_INSTANCE, Request
from node.parts import Node
from node.process.clock import utc_now
from node.upkeep import loss, verification
from node.upkeep.verification import ON_ITS_WAY, StoreAwayError, Verification
from tests.nodes import StartNode, all_jobs, chest, push, wait_for_study


@pytest.fixture
def node(start_node: StartNode) -> Node:
    """A node that reads nothing, so that only what was received is in its store."""
    return start_node(**{"reading.workers": 0})


def check(node: Node, **options: object) -> Verification:
    """A verification of the node."""
    return Verification(database=node.database, store=node.store, now=utc_now, **options)  # type: ignore[arg-type]


def row_of(node: Node, uid: str) -> StoredInstance:
    """The row of an instance."""
    with node.database.read() as connection:
        (found,) = studies.with_uids(connection, [uid])[uid]
    return found


def spoil(path: Path, offset: int = -1) -> None:
    """Flip the bits of one byte."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


def test_whole_store_is_whole(node: Node):
    """A node that nothing happened to has nothing to tell."""
    push(node, chest(), chest())

    found = check(node).run()

    assert (found.checked, found.damage, found.orphans) == (2, False, [])


@pytest.mark.parametrize("offset", [-1, 200], ids=["pixels", "file meta"])
def test_one_flipped_byte_is_found_and_set_aside(offset: int, node: Node):
    """Wherever the byte lies: the file goes to the quarantine, and the row and the audit log say so, once."""
    ds = chest()
    push(node, ds)
    path = node.store.path(row_of(node, ds.SOPInstanceUID).path)
    spoil(path, offset)

    first, second = check(node).run(), check(node).run()

    assert [fault for _, fault in first.faults] == [fault for _, fault in second.faults] == [Absence.DAMAGED]
    row = row_of(node, ds.SOPInstanceUID)
    assert (row.absence, path.exists()) == (Absence.DAMAGED, False)
    assert (node.store.path("quarantine") / path.name).exists()
    with node.database.read() as connection:
        entries = audit.of_subject(connection, ds.SOPInstanceUID, "file.")
    assert [entry.action for entry in entries] == ["file.damaged"]


def test_file_that_was_put_back_is_used_again(node: Node):
    """What a person copies from a backup into its old place is whole again with the next look."""
    ds = chest()
    push(node, ds)
    path = node.store.path(row_of(node, ds.SOPInstanceUID).path)
    kept = path.read_bytes()
    path.unlink()
    assert [fault for _, fault in check(node).run().faults] == [Absence.MISSING]

    path.write_bytes(kept)
    found = check(node).run()

    assert (found.damage, found.returned) == (False, 1)
    assert row_of(node, ds.SOPInstanceUID).absence is None


def test_image_that_is_sent_again_takes_the_place_of_a_lost_one(node: Node):
    """0x0000 to a repetition means that the bytes are here, even if the first file was lost meanwhile."""
    ds = chest()
    push(node, ds)
    node.store.path(row_of(node, ds.SOPInstanceUID).path).unlink()
    check(node).run()

    assert push(node, ds) == [0x0000]

    row = row_of(node, ds.SOPInstanceUID)
    assert row.absence is None
    assert node.store.path(row.path).exists()
    assert not check(node).run().damage


def test_what_is_set_aside_is_not_committed_to(node: Node):
    """A modality that asks whether its image is safe here hears that it is not."""
    ds = chest()
    push(node, ds)
    spoil(node.store.path(row_of(node, ds.SOPInstanceUID).path))
    check(node).run()
    reference = SopReference(sop_class_uid=ds.SOPClassUID, sop_instance_uid=ds.SOPInstanceUID)
    desk = Desk(database=node.database, store=node.store, reachable=(), announce=lambda _: None, now=utc_now)

    report = desk.answer(Request(transaction_uid="2.25.9", references=(reference,)))

    assert report.failed == ((reference, NO_SUCH_INSTANCE),)


def test_looking_only_changes_nothing(node: Node):
    """`--look-only` tells and leaves all as it is."""
    ds = chest()
    push(node, ds)
    path = node.store.path(row_of(node, ds.SOPInstanceUID).path)
    spoil(path)

    found = check(node, look_only=True).run()

    assert found.damage
    assert path.exists()
    assert row_of(node, ds.SOPInstanceUID).absence is None


def test_store_that_is_not_mounted_is_not_taken_for_lost(node: Node, tmp_path: Path):
    """An empty folder where the store should be marks no image as missing."""
    ds = chest()
    push(node, ds)
    (tmp_path / "data" / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "data" / "store").mkdir()

    with pytest.raises(StoreAwayError, match="mounted"):
        check(node).run()

    assert row_of(node, ds.SOPInstanceUID).absence is None


def test_file_that_no_row_names_is_told_of_a_day_later(node: Node):
    """What may still get its row is on its way; what is older is listed, and stays."""
    push(node, chest())
    name = node.store.put(b"nobody's")
    assert check(node).run().orphans == []
    old = (utc_now() - ON_ITS_WAY - timedelta(hours=1)).timestamp()
    os.utime(node.store.path(name), (old, old))

    found = check(node).run()

    assert (found.orphans, found.damage) == ([name], False)
    assert node.store.path(name).exists()


def test_interrupted_one_goes_on_where_it_was(node: Node, monkeypatch: pytest.MonkeyPatch):
    """Killed at the third of four files: the next looks at the last two, and tells of what both have found."""
    monkeypatch.setattr(verification, "NOTED_EVERY_S", 0.0)
    lost, *others = chest(), chest(), chest(), chest()
    push(node, lost, *others)
    node.store.path(row_of(node, lost.SOPInstanceUID).path).unlink()
    looked_at: list[int] = []

    def killed(size: int) -> None:
        looked_at.append(size)
        if len(looked_at) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(node).run(killed)
    looked_at.clear()
    next_one = check(node)
    found = next_one.run(looked_at.append, next_one.interrupted())

    assert len(looked_at) == 2
    assert found.checked == 4
    assert [(file.sop_instance_uid, fault) for file, fault in found.faults] == [(lost.SOPInstanceUID, Absence.MISSING)]
    assert check(node).interrupted() is None


def test_looking_only_neither_goes_on_nor_keeps_its_place(node: Node, monkeypatch: pytest.MonkeyPatch):
    """It writes nothing, not even how far it has come."""
    monkeypatch.setattr(verification, "NOTED_EVERY_S", 0.0)
    push(node, chest())

    check(node, look_only=True).run()

    assert check(node).interrupted() is None


def test_accepted_loss_is_counted_and_fails_no_more(node: Node):
    """Until the file comes back: then it is used again like any other."""
    ds = chest()
    push(node, ds, chest())
    path = node.store.path(row_of(node, ds.SOPInstanceUID).path)
    kept = path.read_bytes()
    path.unlink()
    check(node).run()
    loss.accept(node.database, [ds.SOPInstanceUID], "the disk burnt", by="ann", now=utc_now())

    accepted = check(node).run()
    path.write_bytes(kept)
    found = check(node).run()

    assert (accepted.damage, accepted.accepted, accepted.checked) == (False, 1, 2)
    assert (found.damage, found.accepted, found.returned) == (False, 0, 1)


def test_damaged_image_is_not_read_until_it_is_sent_again(start_node: StartNode):
    """A byte that turned between reception and reading: the study fails with the reason, until that is accepted."""
    node = start_node(**{"study.quiet_s": 3600, "mining.workers": 0})
    ds = chest()
    push(node, ds)
    path = node.store.path(row_of(node, ds.SOPInstanceUID).path)
    spoil(path)

    settle(node, ds)
    wait_for_study(node, ds, "failed")
    damaged = row_of(node, ds.SOPInstanceUID)
    loss.accept(node.database, [ds.SOPInstanceUID], "the disk burnt", by="ann", now=utc_now())
    wait_for_study(node, ds, "not_read")
    (job,) = all_jobs(node)
    push(node, ds)
    settle(node, ds)
    wait_for_study(node, ds, "read")

    assert (damaged.reason, damaged.absence, path.exists()) == (Reason.DAMAGED, Absence.DAMAGED, False)
    assert (job.state, job.error_code, job.error) == (JobState.DONE, Reason.LOST, Reason.LOST.sentence)
    assert row_of(node, ds.SOPInstanceUID).reason is None


def settle(node: Node, ds: FileDataset) -> None:
    """The study's quiet period ends now."""
    with node.database.write() as connection:
        studies.settle_now(connection, [ds.StudyInstanceUID], utc_now())
