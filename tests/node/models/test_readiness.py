"""Whether the model in service is whole: a file is read again when something about it has changed."""

import os
from pathlib import Path

import pytest

from db.engine import Database
from inference import bundle
from inference.bundle import MODEL, Bundle
from node.models.readiness import model_is_whole
from tests.bundles import write_tiny

DAMAGED = "the model in service cannot be loaded; cxr models rollback takes the one before"


@pytest.fixture
def tiny(tmp_path: Path) -> Bundle:
    """A model that a setting names."""
    return write_tiny(tmp_path / "tiny", version="one")


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read."""
    names: list[str] = []
    sha256 = bundle.sha256

    def note(path: Path) -> str:
        names.append(path.name)
        return sha256(path)

    monkeypatch.setattr(bundle, "sha256", note)
    return names


def test_a_whole_model_is_read_once(sqlite_database: Database, tiny: Bundle, hashed: list[str]) -> None:
    """Who asks every few seconds does not have it read every few seconds; a file that was touched is read again."""
    check = model_is_whole(sqlite_database, tiny.path, tiny.path)

    assert [check(), check()] == [None, None]
    assert hashed == [MODEL]
    os.utime(tiny.model, ns=(1, 1))
    assert check() is None
    assert hashed == [MODEL, MODEL]


@pytest.mark.parametrize("harm", ["shorter", "altered", "gone", "stranger"])
def test_what_happens_to_a_file_is_seen(sqlite_database: Database, tiny: Bundle, harm: str) -> None:
    """Its size, its time or the names in the folder give it away, at every question."""
    check = model_is_whole(sqlite_database, tiny.path, tiny.path)
    assert check() is None
    held = tiny.model.read_bytes()

    if harm == "shorter":
        tiny.model.write_bytes(held[:-1])
    elif harm == "altered":
        tiny.model.write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
        os.utime(tiny.model, ns=(1, 1))  # a clock's tick may be longer than this test
    elif harm == "gone":
        tiny.model.unlink()
    else:
        (tiny.path / "stranger.txt").write_text("x")

    assert [check(), check()] == [DAMAGED, DAMAGED]
