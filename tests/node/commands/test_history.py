"""`cxr reports import`."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from node.__main__ import app
from node.errors import SettingsError
from tests.node.hl7.mllp import oru


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of a node that has received nothing."""
    folder = tmp_path / "data"
    assert CliRunner().invoke(app, ["migrate", "--data", str(folder)]).exit_code == 0
    return folder


def run(data: Path, *arguments: object) -> Result:
    """Run the command; what goes wrong is raised."""
    words = ["reports", "import", *map(str, arguments), "--data", str(data)]
    return CliRunner().invoke(app, words, catch_exceptions=False)


def count(data: Path, *arguments: str) -> str:
    """What `cxr reports count` prints."""
    return CliRunner().invoke(app, ["reports", "count", "--data", str(data), *arguments]).stdout.strip()


def test_files_and_folders_are_brought_in(data: Path, tmp_path: Path) -> None:
    """One line says what became of them, and the reports are found."""
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "a.hl7").write_bytes(oru(accession="A1"))
    (folder / "A2.txt").write_text("Clear lungs.")
    table = tmp_path / "history.csv"
    table.write_text("accession,findings\nA3,Clear.\nA4,Clear.\n")

    done = run(data, folder, table)

    assert done.exit_code == 0
    assert done.stdout.startswith("4 read: 4 stored, 0 already there, 0 refused, in ")
    assert [count(data, "--accession", f"A{number}") for number in range(1, 5)] == ["1"] * 4
    assert run(data, folder, table).stdout.startswith("4 read: 0 stored, 4 already there, 0 refused")


def test_what_is_refused_is_a_table_of_reasons(data: Path, tmp_path: Path) -> None:
    """The exit code says so too; lines are named, patients are not."""
    table = tmp_path / "history.csv"
    table.write_text(
        "accession,patient_id,text,time\nA1,CANARY,CANARY,\n" + ",CANARY,CANARY,\n" * 4 + "A2,CANARY,CANARY,CANARY\n"
    )

    done = run(data, table)

    assert done.exit_code == 1
    assert "6 read: 1 stored, 0 already there, 5 refused" in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if "no accession number" in line]
    assert line.startswith("4 ")
    assert line.rstrip().endswith(f"{table} line 3, {table} line 4, {table} line 5 ...")
    assert "CANARY" not in done.output


def test_the_outcome_for_machines(data: Path, tmp_path: Path) -> None:
    """All counts, and every reason with its places."""
    table = tmp_path / "history.csv"
    table.write_text("accession,text\nA1,Clear.\n,Clear.\n")

    found: dict[str, Any] = json.loads(run(data, table, "--json").stdout)

    assert (found["read"], found["stored"], found["already_there"], found["refused"]) == (2, 1, 0, 1)
    reason = "no accession number, uid or study_instance_uid"
    assert found["reasons"] == [{"reason": reason, "count": 1, "places": [f"{table} line 3"]}]


def test_missing_columns_are_one_sentence(data: Path, tmp_path: Path) -> None:
    """It names them."""
    table = tmp_path / "history.csv"
    table.write_text("number,words\n1,Clear.\n")

    done = run(data, table)

    assert done.exit_code == 1
    assert "needs the columns findings, impression or text (at least one) and accession, uid" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere",), "nowhere is not there"),
        (("folder",), "no file of reports"),
        (("folder", "--encoding", "klingon"), "no encoding 'klingon'"),
    ],
)
def test_what_cannot_begin_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()

    with pytest.raises(SettingsError, match=sentence):
        run(data, *arguments)


def test_without_a_node_nothing_is_made(tmp_path: Path) -> None:
    """A mistyped folder is no new database."""
    (tmp_path / "A1.txt").write_text("Clear.")

    with pytest.raises(SettingsError, match="no node has worked"):
        run(tmp_path / "mistyped", tmp_path / "A1.txt")

    assert not (tmp_path / "mistyped").exists()


def test_progress_is_said_where_no_terminal_is(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the time that is left."""
    monkeypatch.setattr("node.commands.progress.EVERY_S", 0.0)
    table = tmp_path / "history.csv"
    table.write_text("uid,text\n" + "".join(f"{number},{'x' * 2000}\n" for number in range(300)))

    done = run(data, table)

    assert "100 read: 100 stored, 0 already there, 0 refused; " in done.stderr
    assert "s left" in done.stderr


def test_the_public_messages_are_all_stored(data: Path, shared_data: Path) -> None:
    """Every one of them."""
    folder = shared_data / "hl7_oru" / "messages"

    done = run(data, folder)

    assert done.exit_code == 0
    assert count(data) == str(len(list(folder.iterdir())))
