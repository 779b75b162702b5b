"""deploy/venv says in a sentence what is missing (that it works, every `make` shows)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REAL = sys.executable


def make(python: Path | str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run deploy/venv."""
    return subprocess.run(
        [str(ROOT / "deploy" / "venv"), str(python), str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    """Where a test writes a Python of its own."""
    path = tmp_path / "python3"
    path.touch(mode=0o755)
    return path


def test_missing_python_is_named(tmp_path: Path) -> None:
    """Without Python the message says which one was looked for, and what to install."""
    result = make("python9.99", tmp_path / "env")

    assert result.returncode == 1
    assert "There is no python9.99" in result.stderr
    assert "apt-get install" in result.stderr


def test_old_python_is_refused_in_a_sentence(tmp_path: Path, stub: Path) -> None:
    """A Python before 3.11 is named with its version, and nothing is made."""
    stub.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2" && exit 0\nexit 1\n')

    result = make(stub, tmp_path / "env")

    assert result.returncode == 1
    assert "needs Python 3.11 or newer" in result.stderr
    assert "Python 3.9.2" in result.stderr
    assert not (tmp_path / "env").exists()


def test_python_without_venv_and_pip_says_what_to_install(tmp_path: Path, stub: Path) -> None:
    """Debian's python3 alone can make no environment with pip; the message names the package."""
    stub.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*|*pip*) exit 1 ;; esac\nexec {REAL} "$@"\n')

    result = make(stub, tmp_path / "env")

    assert result.returncode == 1
    assert "apt-get install python3-venv" in result.stderr
    assert not (tmp_path / "env").exists()
