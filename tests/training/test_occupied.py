"""Two trainings in one folder: the second is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from inference import bundle
from tests.bundles import write_tiny
from training.errors import OccupiedError, TrainingError
from training.occupied import occupied

HOLD = "import sys; from pathlib import Path; from training.occupied import occupied\n"
HOLD += "with occupied(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def test_second_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    """The sentence names the folder; after kill -9 nothing is in the way."""
    out = tmp_path / "out"
    program = [sys.executable, "-c", HOLD, str(out)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"

        with (
            pytest.raises(OccupiedError, match=f"another training is at work in {out}; wait until it ends"),
            occupied(out),
        ):
            pass
        first.kill()
        first.wait()

    with occupied(out):
        pass


def test_one_after_the_other(tmp_path: Path) -> None:
    """A training that has ended, well or not, leaves its folder free; another folder was free throughout."""
    with pytest.raises(RuntimeError), occupied(tmp_path / "out"), occupied(tmp_path / "other"):
        raise RuntimeError

    with occupied(tmp_path / "out"):
        pass


def test_folder_of_a_model_is_refused(tmp_path: Path) -> None:
    """What training writes beside a model's files would keep it from being loaded."""
    made = write_tiny(tmp_path / "model")

    with pytest.raises(TrainingError, match="is a model's folder; name another --out"), occupied(made.path):
        pass

    assert bundle.load(made.path) == made
