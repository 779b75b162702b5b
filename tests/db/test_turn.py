"""The turn to write: threads and processes one after the other, and nobody waits for ever."""

import subprocess
import sys
import threading
from pathlib import Path

from db.turn import Turn
from tests.conftest import ROOT

HOLD = """
import sys
from db.turn import Turn
with Turn(sys.argv[1], 10):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_another_process_waits_until_the_turn_is_given_up(tmp_path: Path):
    """A writer in a second process has it when the first one is done, and not before."""
    path = str(tmp_path / "cxr.db")
    got = threading.Event()

    def take() -> None:
        with Turn(path, 20):
            got.set()

    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        thread = threading.Thread(target=take)
        thread.start()
        early = got.wait(0.1)
        other.stdin.write("\n")
        other.stdin.close()
        late = got.wait(20)
        thread.join()

    assert (early, late) == (False, True)


def test_a_killed_process_gives_its_turn_up(tmp_path: Path):
    """A writer that dies in its turn stops nobody."""
    path = str(tmp_path / "cxr.db")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        other.kill()
        other.wait()

    with Turn(path, 20) as taken:
        assert taken is None


def test_patience_ends(tmp_path: Path):
    """Whoever has waited long enough goes on and leaves it to SQLite's own lock."""
    path = str(tmp_path / "cxr.db")

    with Turn(path, 1), Turn(path, 0.05):
        pass


def test_a_database_in_memory_has_threads_only(tmp_path: Path, monkeypatch):
    """No file is made for a database that has none."""
    monkeypatch.chdir(tmp_path)

    with Turn(None, 1):
        pass
    with Turn(":memory:", 1):
        pass

    assert list(tmp_path.iterdir()) == []
