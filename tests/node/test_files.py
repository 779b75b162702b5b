"""The store: whole files or none, wherever it is interrupted."""

import os
import stat
import tempfile
from collections import namedtuple
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import OUT_OF_RESOURCES, RefusedError
from node.files import Folder

DATA = b"a radiograph" * 100


def put(folder: Folder, data: bytes = DATA) -> str:
    """Store one object; its name."""
    return folder.put(data)


def die(folder: Folder) -> None:
    """What the kernel does for a killed process: its lock is let go."""
    assert folder._incoming._alive is not None
    os.close(folder._incoming._alive)
    folder._incoming._alive = None


def named(root: Path) -> list[Path]:
    """The files that look whole."""
    return sorted(root.rglob("*.dcm"))


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_sequence_of_writes_comes_back(pieces: list[bytes]):
    """What was written, in whatever pieces, is what is read."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Folder(Path(scratch))
        part = folder.begin()
        for piece in pieces:
            part.write(memoryview(piece))
            part.sync()
        name = part.commit()
        part.discard()

        assert folder.path(name).read_bytes() == b"".join(pieces)


def test_only_the_owner_can_read_the_store(tmp_path: Path):
    """No other user of the machine can read an image, or list what there is."""
    root = tmp_path / "data" / "store"
    name = put(Folder(root))

    files = {stat.S_IMODE((root / name).stat().st_mode)}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*")) if path.is_dir()}

    assert (files, folders) == ({0o600}, {0o700})


def test_discard_after_commit_keeps_the_object(tmp_path: Path):
    """A committed object stays; a discarded one leaves nothing behind."""
    folder = Folder(tmp_path)
    name = put(folder)
    dropped = folder.begin()
    dropped.write(DATA)
    dropped.discard()

    assert folder.path(name).read_bytes() == DATA
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]


def test_removed_object_is_gone_and_may_be_removed_again(tmp_path: Path):
    """A second copy of a known image is taken out again."""
    folder = Folder(tmp_path)
    name = put(folder)

    folder.remove(name)
    folder.remove(name)

    assert named(tmp_path) == []


def test_names_are_our_own_and_differ(tmp_path: Path):
    """Two objects with the same bytes are two files, each in the folder of its day."""
    folder = Folder(tmp_path)

    names = {put(folder), put(folder)}

    assert len(names) == 2
    assert all(len(Path(name).parts) == 4 for name in names)


@pytest.mark.parametrize("failing", range(8))
def test_crash_at_any_step_leaves_no_partial_file_under_a_whole_name(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whenever the node dies, a file without `.part` is whole, and the next start sweeps the rest."""
    steps = 0

    def counted(real: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: object, **options: object) -> None:
            nonlocal steps
            steps += 1
            if steps == failing + 1:
                raise OSError(5, "the power went")
            real(*arguments, **options)

        return step

    folder = Folder(tmp_path)
    part = folder.begin()
    part.write(DATA)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", counted(os.fsync))
        patched.setattr(os, "mkdir", counted(os.mkdir))
        patched.setattr(Path, "rename", counted(Path.rename))
        with suppress(OSError):
            part.commit()

    assert all(path.read_bytes() == DATA for path in named(tmp_path))
    die(folder)
    swept = Folder(tmp_path)
    swept.sweep()
    swept.close()
    assert list((tmp_path / "incoming").iterdir()) == []
    part.discard()


def test_every_folder_above_a_new_object_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An object's name survives a power cut, also where another process had just made the folder of the day."""
    name = put(Folder(tmp_path))
    synced: list[Path] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink())
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)

    put(Folder(tmp_path))

    above = [path for path in (tmp_path / name).parents if path.is_relative_to(tmp_path)]
    assert set(above) <= set(synced)
    assert synced[-1] == above[0]


def test_sweep_takes_leftovers_and_nothing_else(tmp_path: Path):
    """The next start removes what a killed node left half written, and says how much that was."""
    folder = Folder(tmp_path)
    name = put(folder)
    parts = [folder.begin() for _ in range(3)]
    die(folder)

    assert Folder(tmp_path).sweep() == 3

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    for part in parts:
        part.discard()


def test_sweep_leaves_what_another_process_still_receives(tmp_path: Path):
    """A second receiver that starts on the same store does not take away what the first one is receiving."""
    first = Folder(tmp_path)
    part = first.begin()
    part.write(DATA)

    assert Folder(tmp_path).sweep() == 0

    assert first.path(part.commit()).read_bytes() == DATA
    part.discard()


def test_closed_store_leaves_no_folder_of_its_own(tmp_path: Path):
    """A node that is stopped in good order leaves nothing to sweep."""
    folder = Folder(tmp_path)

    folder.close()
    folder.close()

    assert list((tmp_path / "incoming").iterdir()) == []


def test_nearly_full_disk_refuses_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Below the free-space floor a modality hears 0xA700, and is taken again as soon as there is room."""
    usage = namedtuple("usage", "total used free")
    folder = Folder(tmp_path, min_free_bytes=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(9000, 8001, 999))

    with pytest.raises(RefusedError) as error:
        folder.begin()

    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(9000, 8000, 1000))
    put(folder)
    assert error.value.status == OUT_OF_RESOURCES
    assert len(named(tmp_path)) == 1


def test_many_names_cost_one_look_at_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Objects that were named together settle with one synchronisation of the folder they share."""
    folder = Folder(tmp_path)
    names = []
    for _ in range(3):
        part = folder.begin()
        part.write(DATA)
        names.append(part.name())
        part.discard()
    true, synced = os.fsync, []

    def fsync(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink())
        true(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    folder.settle(names)

    assert synced == [(tmp_path / names[0]).parent]
    assert [folder.path(name).read_bytes() for name in names] == [DATA] * 3
