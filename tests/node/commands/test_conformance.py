"""`cxr conformance`."""

from pathlib import Path

from typer.testing import CliRunner

from node.__main__ import app


def test_statement_is_printed_or_written(tmp_path: Path):
    """What `--out` writes is what is printed without it."""
    file = tmp_path / "statement.md"

    printed = CliRunner().invoke(app, ["conformance"])
    written = CliRunner().invoke(app, ["conformance", "--out", str(file)])

    assert printed.exit_code == written.exit_code == 0
    assert written.stdout == ""
    assert file.read_text("utf-8") == printed.stdout
    assert printed.stdout.startswith("# DICOM Conformance Statement")
