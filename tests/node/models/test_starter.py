"""The shipped model on its way into the registry."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db import models
from db.engine import Database
from inference import bundle
from node.models.starter import install_starter
from tests.db.rows import NOW


def test_processes_that_start_at_the_same_moment_install_it_once(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of two hosts on an empty volume one is faster; the other finds its files there, and neither fails to start."""
    version, part_of = bundle.load(bundle.STARTER).card.version, bundle.part_of

    @contextmanager
    def overtaken(path: Path) -> Iterator[Path]:
        with part_of(path) as part:
            shutil.copytree(bundle.STARTER, path)
            yield part

    monkeypatch.setattr(bundle, "part_of", overtaken)

    install_starter(sqlite_database, tmp_path, NOW)

    with sqlite_database.read() as connection:
        current = models.current(connection)
    assert current is not None
    assert current.version == version
    assert [path.name for path in (tmp_path / "models").iterdir()] == [version]
