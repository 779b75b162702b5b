"""`cxr callers`: who may send, who did, who was turned away."""

import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from db import audit, studies
from db.engine import connect
from node.__main__ import app
from node.settings import DATABASE_FILE
from tests.db.rows import NOW, arrival


def test_callers_are_listed(tmp_path: Path, migrated_file: Path) -> None:
    """With nobody yet it says so; a machine gets the same."""
    shutil.copy(migrated_file, tmp_path / DATABASE_FILE)
    words = ["callers", "--data", str(tmp_path)]
    nobody = CliRunner().invoke(app, words).stdout
    database = connect(f"sqlite:///{tmp_path / DATABASE_FILE}")
    with database.write() as connection:
        studies.record_arrival(connection, arrival(1, calling_ae="DX1"), NOW)
        detail = {"reason": "unknown calling AE title", "repeated": 41}
        audit.append(
            connection, actor="SCANNER", action="association.reject", subject="10.9.9.9", now=NOW, detail=detail
        )
    database.close()
    shown = CliRunner().invoke(app, words).stdout
    found = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)

    assert "Nobody has sent an image yet." in nobody
    assert "Nobody was turned away." in nobody
    assert all(word in shown for word in ("DX1", "10.9.9.9", "unknown calling AE title", "41"))
    assert (found["seen"][0]["calling_ae"], found["refused"][0]["detail"]) == ("DX1", detail)
