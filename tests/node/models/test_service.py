"""The model in service: taken up when it is promoted, and never one that is not what was promoted."""

from pathlib import Path

import pytest

from db import models
from db.engine import Database
from inference.errors import BundleError
from node.models.service import NoModelError, Service
from tests.bundles import write_tiny
from tests.db.rows import NOW


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """A database without models."""
    return sqlite_database


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Service:
    """A service of the promoted model."""
    return Service(database=database, data=tmp_path, path=None, threads=1)


def promote(database: Database, path: Path, version: str, holds: str | None = None) -> Path:
    """Write a bundle, enter it as `version` and promote it."""
    written = write_tiny(path / version, version=holds or version)
    card = written.card.model_copy(update={"version": version}).model_dump(mode="json")
    with database.write() as connection:
        models.register(connection, name="tiny", version=version, path=version, card=card, now=NOW)
        models.promote(connection, version, by="test", now=NOW)
    return written.path


def test_no_model_is_said(service: Service):
    """With nothing promoted no study is read, and the reason says where to look."""
    with pytest.raises(NoModelError, match="cxr models list"):
        service()


def test_model_is_loaded_once(service: Service, database: Database, tmp_path: Path):
    """Studies in a row are read with one loaded model."""
    promote(database, tmp_path, "one")

    assert service() is service()


def test_promotion_is_taken_up_by_the_next_study(service: Service, database: Database, tmp_path: Path):
    """A model that is promoted while the node runs reads the next study; going back to the one before works too."""
    promote(database, tmp_path, "one")
    first = service()
    promote(database, tmp_path, "two")
    second = service()
    with database.write() as connection:
        models.promote(connection, "one", by="test", now=NOW)

    third = service()

    assert [model.description.version for model in (first, second, third)] == ["one", "two", "one"]


def test_bundle_that_holds_another_model_does_not_read(service: Service, database: Database, tmp_path: Path):
    """What lies where the promoted model should be is not served if it is another, until it is put right."""
    path = promote(database, tmp_path, "one", holds="other")

    for _ in range(2):
        with pytest.raises(BundleError, match="other"):
            service()

    for file in path.iterdir():
        file.unlink()
    path.rmdir()
    write_tiny(path, version="one")
    assert service().description.version == "one"


@pytest.mark.parametrize("file", ["model.onnx", "card.json"])
def test_broken_bundle_does_not_read(file: str, service: Service, database: Database, tmp_path: Path):
    """A model whose files are not what they were is refused, and the one before it does not read in its place."""
    promote(database, tmp_path, "one")
    service()
    path = promote(database, tmp_path, "two")
    (path / file).write_bytes(b"x")

    with pytest.raises(BundleError):
        service()


def test_card_that_was_altered_does_not_read(service: Service, database: Database, tmp_path: Path):
    """Operating points and calibration are in the card, which no hash covers; the registry has what was promoted."""
    card = promote(database, tmp_path, "one") / "card.json"
    card.write_text(card.read_text().replace('"probability": 0.5', '"probability": 0.9'))

    with pytest.raises(BundleError, match="not the one that was registered"):
        service()


def test_rollback_is_taken_up_by_the_next_study(service: Service, database: Database, tmp_path: Path):
    """A model that was promoted and cannot be loaded reads nothing; a rollback lets the one before it read on."""
    promote(database, tmp_path, "one")
    path = promote(database, tmp_path, "two")
    (path / "model.onnx").write_bytes(b"x")
    with pytest.raises(BundleError):
        service()
    with database.write() as connection:
        models.roll_back(connection, "one", by="test", now=NOW)

    assert service().description.version == "one"


def test_named_bundle_is_served_whatever_is_promoted(database: Database, tmp_path: Path):
    """`reading.model` takes the place of the registry."""
    promote(database, tmp_path, "one")
    path = write_tiny(tmp_path / "named", version="named").path

    assert Service(database=database, data=tmp_path, path=path, threads=1)().description.version == "named"
