"""What is on its way into the store, of several processes and several hosts."""

import os
import time
from pathlib import Path

import pytest

from node import incoming
from node.incoming import FORGOTTEN_S, Incoming


def on_host(name: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> Incoming:
    """The folder of a process on a host of this name."""
    kernel = root.parent / name
    kernel.write_text(f"{name}-0000\n")
    monkeypatch.setattr(incoming, "KERNEL", kernel)
    return Incoming(root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the folders of all are."""
    folder = tmp_path / "incoming"
    folder.mkdir()
    return folder


def begun(where: Incoming, *, age_s: float = 0) -> Path:
    """An object that was begun, and last written to so long ago."""
    part = where.new()
    part.write_bytes(b"half a radiograph")
    then = time.time() - age_s
    os.utime(part, (then, then))
    return part


def unlocked(where: Incoming) -> None:
    """To everybody else its lock is not there: its process was killed, or their kernel does not know of it."""
    assert where._alive is not None
    os.close(where._alive)
    where._alive = None


def test_sweep_leaves_another_hosts_folder_though_no_lock_is_seen(root: Path, monkeypatch: pytest.MonkeyPatch):
    """NFS keeps a folder's lock with the host that took it; what that host receives is not swept away all the same."""
    there = on_host("there", root, monkeypatch)
    part = begun(there, age_s=FORGOTTEN_S / 2)
    unlocked(there)

    assert on_host("here", root, monkeypatch).sweep() == 0

    assert part.exists()
    assert there.new().parent.exists()


def test_sweep_leaves_what_came_by_another_mounting(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Two containers of one host may have mounted a volume apart, and then know nothing of each other's locks."""
    there = on_host("here", root, monkeypatch)
    part = begun(there)
    unlocked(there)
    kernel, _, own = part.parent.name.split("-")
    folder = part.parent.rename(root / f"{kernel}-ffff-{own}")

    assert on_host("here", root, monkeypatch).sweep() == 0

    assert (folder / part.name).exists()


def test_sweep_takes_what_another_host_has_forgotten(root: Path, monkeypatch: pytest.MonkeyPatch):
    """A host that lost its power leaves nothing for ever; what a living one began since then stays."""
    there = on_host("there", root, monkeypatch)
    old, new = begun(there, age_s=2 * FORGOTTEN_S), begun(there)

    assert on_host("here", root, monkeypatch).sweep() == 1

    assert (old.exists(), new.exists()) == (False, True)


def test_killed_process_of_the_same_host_is_swept_at_once(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Its lock ended with it, and that is believed here."""
    dead, alive = (on_host("here", root, monkeypatch) for _ in range(2))
    parts = begun(dead), begun(alive)
    unlocked(dead)

    assert on_host("here", root, monkeypatch).sweep() == 1

    assert [part.exists() for part in parts] == [False, True]


def test_sweep_bears_a_process_that_ends_meanwhile(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Another receiver that stops, and takes its folder away, while this one sweeps is no fault."""
    here = on_host("here", root, monkeypatch)
    gone = [here.new().parent.with_name(f"{here._under}gone"), root / "there0000-0-gone"]
    there = list(root.iterdir())
    monkeypatch.setattr(Path, "iterdir", lambda _self: iter([*there, *gone]))

    assert here.sweep() == 0
