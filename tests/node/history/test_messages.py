"""HL7 messages in files."""

import hashlib
from pathlib import Path

import pytest

from node.history import messages
from node.hl7.arrival import digest
from node.hl7.framing import frame
from tests.node.history.readers import arrivals, entries, refusals
from tests.node.hl7.mllp import oru

THREE = [oru(f"M{number}", accession=f"A{number}") for number in (1, 2, 3)]
SHAPES = {
    "one below the other": b"".join(THREE),
    "with a blank line between": b"\n\n".join(THREE),
    "with a file's line ends": b"".join(THREE).replace(b"\r", b"\n"),
    "with Windows's line ends": b"".join(THREE).replace(b"\r", b"\r\n"),
    "after a byte order mark": b"\xef\xbb\xbf" + b"".join(THREE),
    "in a batch": b"FHS|^~\\&|X\rBHS|^~\\&|X\r" + b"".join(THREE) + b"BTS|3\rFTS|1\r",
    "in frames": b"".join(map(frame, THREE)),
    "in frames with line ends between": b"\n".join(map(frame, THREE)) + b"\n",
    "in frames whose ends were rewritten": b"".join(map(frame, THREE)).replace(b"\r", b"\n"),
    "in one frame": frame(b"".join(THREE)),
    "in a framed batch": frame(b"BHS|^~\\&\r" + b"".join(THREE) + b"BTS|3\r"),
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("chunk", [1, 7, 256, 1_000_000])
def test_every_message_of_a_file_is_read(
    content: bytes, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the pieces end in which the file is read; each is the message that would have come over MLLP."""
    monkeypatch.setattr(messages, "CHUNK", chunk)
    file = tmp_path / "reports.dat"
    file.write_bytes(content)

    found = arrivals(file)

    assert [arrival.control_id for arrival in found] == ["M1", "M2", "M3"]
    assert [arrival.sha256 for arrival in found] == [digest(raw) for raw in THREE]
    assert [arrival.reports[0].text for arrival in found] == ["Clear lungs."] * 3


def test_a_message_that_cannot_be_taken_leaves_the_others(tmp_path: Path) -> None:
    """It is named by its place in the file."""
    file = tmp_path / "reports.hl7"
    file.write_bytes(THREE[0] + THREE[1].replace(b"ORU^R01", b"ORM^O01") + THREE[2])

    found = entries(file)

    assert [entry.arrival is None for entry in found] == [False, True, False]
    assert found[1].place == f"{file} message 2"
    assert found[1].refusal == "only ORU messages of event R01 are taken here"


@pytest.mark.parametrize("framed", [True, False])
def test_a_message_above_the_limit_leaves_the_others(
    framed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not kept in memory either."""
    monkeypatch.setattr(messages, "CHUNK", 512)
    content = [THREE[0], oru("LONG", text="x" * 10_000), THREE[2]]
    file = tmp_path / "reports.hl7"
    file.write_bytes(b"".join(map(frame, content) if framed else content))

    found = entries(file, max_bytes=2000)

    assert [entry.refusal for entry in found] == [None, messages.TOO_LARGE, None]


def test_a_message_whose_frame_was_cut_off_is_not_taken(tmp_path: Path) -> None:
    """Half a report must not stand for the whole."""
    file = tmp_path / "reports.hl7"
    file.write_bytes(frame(THREE[0]) + frame(THREE[1])[:-40])

    assert refusals(file) == [messages.CUT_OFF]


def test_a_batch_without_a_message_is_said(tmp_path: Path) -> None:
    """No file is passed over in silence."""
    file = tmp_path / "reports.hl7"
    file.write_bytes(b"FHS|^~\\&\rFTS|0\r")

    assert refusals(file) == ["there is no message in the file"]


def test_a_file_in_its_own_character_set(tmp_path: Path) -> None:
    """As MSH-18 says."""
    file = tmp_path / "reports.hl7"
    file.write_bytes(oru(text="Erguß", msh="||||||8859/1").decode().encode("latin-1"))

    assert arrivals(file)[0].reports[0].text == "Erguß"


def test_the_digest_of_a_well_formed_message_is_that_of_its_bytes() -> None:
    """And nothing but line ends makes another message the same."""
    assert digest(THREE[0]) == hashlib.sha256(THREE[0]).hexdigest()
    assert digest(THREE[0].rstrip()) == digest(THREE[0])
    assert digest(THREE[0].replace(b"Clear", b"clear")) != digest(THREE[0])
