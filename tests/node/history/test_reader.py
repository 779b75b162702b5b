"""Files and folders of all kinds."""

import gzip
import os
import random
from pathlib import Path

import pytest

from node.errors import SettingsError
from node.history.reader import require_encoding
from tests.node.history.readers import arrivals, entries, reader, refusals
from tests.node.hl7.mllp import oru

NEITHER = "neither HL7, CSV nor plain text"
NO_TEXT = "neither HL7 nor CSV; plain text is read from files named .txt"
BAD = {
    "empty": (b"", "a.txt", "the file is empty"),
    "blank": (b" \r\n\n", "a.csv", "the file is empty"),
    "binary": (random.Random(7).randbytes(5000), "a.txt", NEITHER),
    "noise": (random.Random(7).randbytes(1_000_000) * 20, "noise", NEITHER),
    "a DICOM file": (bytes(128) + b"DICM" + b"\2\0\0\0UL\4\0" * 20, "a.txt", NEITHER),
    "a PDF": (b"%PDF-1.4\nwords\n", "a.txt", NEITHER),
    "a page": (b"<html><body>Clear lungs.</body></html>", "a.txt", NEITHER),
    "rich text": (b"{\\rtf1 Clear lungs.}", "a.txt", NEITHER),
    "somebody's notes": (b"# Clear lungs\n", "README.md", NO_TEXT),
    "half a gzip": (
        gzip.compress(random.Random(7).randbytes(1000).hex().encode())[:700],
        "a.txt.gz",
        "cannot be unpacked",
    ),
    "no gzip": (b"\x1f\x8bwords", "a.txt.gz", "cannot be unpacked"),
}


@pytest.mark.parametrize(("content", "name", "reason"), BAD.values(), ids=BAD)
def test_a_file_that_is_none_of_ours_leaves_the_others(content: bytes, name: str, reason: str, tmp_path: Path) -> None:
    """It is named with the reason, and reading goes on."""
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.hl7").write_bytes(oru())

    found = entries(tmp_path)

    assert [(entry.place, entry.refusal) for entry in found if entry.refusal] == [(str(tmp_path / name), reason)]
    assert [entry.arrival.control_id for entry in found if entry.arrival] == ["M1"]


def test_the_content_says_what_a_file_is(tmp_path: Path) -> None:
    """Whatever its name says."""
    (tmp_path / "a.txt").write_bytes(oru())
    (tmp_path / "b").write_bytes(b"uid,text\n1,Clear.\n")
    (tmp_path / "c.csv").write_bytes(oru("M2"))
    (tmp_path / "d").write_bytes(b"Clear lungs.")

    assert [arrival.message_type for arrival in arrivals(tmp_path)] == ["ORU^R01", "CSV", "ORU^R01", "TEXT"]


@pytest.mark.parametrize(
    ("name", "content"), [("a.hl7", oru(accession="A7")), ("a.csv", b"accession,text\nA7,x\n"), ("A7.txt", b"Clear.")]
)
def test_gzip_is_unpacked(name: str, content: bytes, tmp_path: Path) -> None:
    """Of each kind; a text's name is the number without both suffixes."""
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))

    (arrival,) = arrivals(tmp_path)

    assert arrival.reports[0].accession_number == "A7"


def test_folders_are_read_once_each(tmp_path: Path) -> None:
    """Deep ones too, in the order of their names; no link makes a circle, and hidden files are left alone."""
    deep = tmp_path / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "2.txt").write_text("Clear.")
    (tmp_path / "a.txt").write_text("Clear.")
    (tmp_path / ".hidden").write_text("x")
    (deep / "up").symlink_to(tmp_path)
    (tmp_path / "d").symlink_to(deep)

    assert [entry.place for entry in entries(tmp_path)] == [str(tmp_path / "a.txt"), str(deep / "2.txt")]


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """A link to nothing, a pipe; nothing waits for it."""
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe")

    assert refusals(tmp_path) == ["cannot be read: No such file or directory", "not a file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    """A file and a folder."""
    (tmp_path / "a.txt").write_text("Clear.")
    (tmp_path / "a.txt").chmod(0)
    (tmp_path / "b").mkdir(0)

    assert refusals(tmp_path) == ["cannot be read: Permission denied"] * 2


def test_a_text_above_the_limit_is_said(tmp_path: Path) -> None:
    """It is not read whole."""
    (tmp_path / "a.txt").write_text("word " * 1000)

    assert refusals(tmp_path, max_bytes=1000) == ["a text above the size limit, hl7.max_message_mb"]


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    """All of them, by the end."""
    (tmp_path / "a.hl7").write_bytes(oru() * 1000)
    told: list[int] = []

    list(reader(on_bytes=told.append).read([tmp_path]))

    assert sum(told) == len(oru()) * 1000
    assert len(told) > 3


def test_an_encoding_that_is_none_is_said() -> None:
    """Before anything is read."""
    with pytest.raises(SettingsError, match="klingon"):
        require_encoding("klingon")
    with pytest.raises(SettingsError, match="base64"):
        require_encoding("base64")


def test_the_public_messages_are_all_reports(shared_data: Path) -> None:
    """Every one of them."""
    folder = shared_data / "hl7_oru" / "messages"

    assert len(arrivals(folder)) == len(list(folder.iterdir()))
