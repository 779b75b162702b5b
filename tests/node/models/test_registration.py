"""Models on their way into the registry."""

from pathlib import Path

import pytest

from db import audit, models
from db.engine import Database
from db.learning_records import ModelState
from inference.errors import BundleError
from node.errors import SettingsError
from node.models import registration, registry
from tests.bundles import write_tiny
from tests.db.rows import NOW


def register(database: Database, made: Path, folder: Path) -> bool:
    """Register a bundle."""
    _, new = registration.register(database, made, folder, by="anna", now=NOW)
    return new


def test_registered_bundle_is_a_candidate(sqlite_database: Database, tmp_path: Path):
    """It lies in the node's folder, reads nothing, and the audit log has who entered what."""
    made = write_tiny(tmp_path / "made")

    assert register(sqlite_database, made.path, tmp_path)

    with sqlite_database.read() as connection:
        model = models.get(connection, "tiny-1")
        (entry,) = audit.newest(connection, 10)
    assert (model.state, model.path) == (ModelState.CANDIDATE, "models/tiny-1")
    assert registry.bundle_of(model, tmp_path).card == made.card
    assert (entry.actor, entry.action, entry.subject) == ("anna", "model.register", "tiny-1")
    assert entry.detail == {"files": made.card.files}


def test_same_bundle_again_is_said_to_be_there(sqlite_database: Database, tmp_path: Path):
    """Nothing changes and nothing is logged; files that were damaged are put right."""
    made = write_tiny(tmp_path / "made")
    register(sqlite_database, made.path, tmp_path)
    (tmp_path / "models" / "tiny-1" / "model.onnx").write_bytes(b"spoilt")

    assert not register(sqlite_database, made.path, tmp_path)

    with sqlite_database.read() as connection:
        registry.bundle_of(models.get(connection, "tiny-1"), tmp_path)
        assert len(audit.newest(connection, 10)) == 1


def test_another_model_of_a_known_version_is_refused(sqlite_database: Database, tmp_path: Path):
    """A version names one model for ever, even where the folder is gone."""
    register(sqlite_database, write_tiny(tmp_path / "made").path, tmp_path)
    other = write_tiny(tmp_path / "other", seed=1)

    with pytest.raises(SettingsError, match="another version"):
        register(sqlite_database, other.path, tmp_path / "elsewhere")


def test_bundle_that_may_not_serve_is_not_entered(sqlite_database: Database, tmp_path: Path):
    """A refused bundle leaves neither a row nor a folder."""
    made = write_tiny(tmp_path / "made")
    (made.path / "notes.txt").write_text("x")

    with pytest.raises(BundleError, match=r"notes\.txt does not belong"):
        register(sqlite_database, made.path, tmp_path)

    with sqlite_database.read() as connection:
        assert models.every(connection) == []
    assert not (tmp_path / "models").exists()


def test_models_are_found_where_the_data_folder_is_moved(sqlite_database: Database, tmp_path: Path):
    """A data folder that is moved, or restored elsewhere, brings its models with it."""
    made = write_tiny(tmp_path / "made")
    register(sqlite_database, made.path, tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "moved")

    with sqlite_database.read() as connection:
        model = models.get(connection, "tiny-1")

    assert registry.bundle_of(model, tmp_path / "moved").card == made.card
