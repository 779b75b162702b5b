"""Answers to messages."""

from datetime import UTC, datetime

import pytest

from node.hl7 import acknowledgement, message
from node.hl7.errors import Condition, Hl7Error, MalformedMessageError, UnsupportedMessageError
from tests.node.hl7.mllp import oru

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MALFORMED = MalformedMessageError(Condition.REQUIRED_FIELD_MISSING, "no OBR | in it")
UNSUPPORTED = UnsupportedMessageError(Condition.UNSUPPORTED_MESSAGE_TYPE, "not this")


def answer(raw: bytes, error: Hl7Error | None = None, code: str = "AA") -> list[list[str]]:
    """Segments and fields of the answer to a message."""
    built = acknowledgement.build(message.read_header(raw), code, error, NOON)
    assert built.endswith(b"\r")
    return [segment.split("|") for segment in built.decode().rstrip("\r").split("\r")]


def test_success() -> None:
    """The answer goes back to where the message came from, under its control id."""
    msh, msa = answer(oru("M7"))

    assert msh[:6] == ["MSH", "^~\\&", "CXR", "NODE", "RIS", "HOSPITAL"]
    assert msh[6] == "20260301120000+0000"
    assert msh[8] == "ACK^R01^ACK"
    assert msh[10:] == ["P", "2.5.1"]
    assert msa == ["MSA", "AA", "M7"]


def test_the_answers_own_control_id_is_new_each_time() -> None:
    """MSH-10 is there and of its length."""
    first, second = (answer(oru())[0][9] for _ in range(2))

    assert first != second
    assert len(first) == 20


@pytest.mark.parametrize(("version", "kind"), [("2.3", "ACK^R01"), ("2.3.1", "ACK^R01^ACK"), ("2.8", "ACK^R01^ACK")])
def test_type_and_version_are_the_senders(version: str, kind: str) -> None:
    """An old system is not given a new structure."""
    msh, _ = answer(oru().replace(b"2.5.1", version.encode()))

    assert (msh[8], msh[11]) == (kind, version)


def test_delimiters_and_character_set_are_the_senders() -> None:
    """An answer is read by the same parser as the message was written for."""
    raw = oru(msh="||||||8859/1").translate(bytes.maketrans(b"|^~\\&", b"!@#%*"))

    built = acknowledgement.build(message.read_header(raw), "AE", MALFORMED, NOON)

    msh, msa, err = built.rstrip(b"\r").split(b"\r")
    assert msh.startswith(b"MSH!@#%*!CXR!NODE!RIS!HOSPITAL!")
    assert msh.split(b"!")[17] == b"8859/1"
    assert msa == b"MSA!AE!M1!no OBR | in it"
    assert err.startswith(b"ERR!!!101@Required field missing@HL70357!E!")


def test_error_of_a_new_version_names_its_condition() -> None:
    """ERR-3, ERR-4 and ERR-8, the text escaped."""
    _, msa, err = answer(oru(), MALFORMED, "AE")

    assert msa == ["MSA", "AE", "M1", r"no OBR \F\ in it"]
    assert err == ["ERR", "", "", "101^Required field missing^HL70357", "E", "", "", "", r"no OBR \F\ in it"]


def test_error_of_an_old_version_is_in_the_old_form() -> None:
    """ERR-1.4 up to 2.4."""
    _, _, err = answer(oru().replace(b"2.5.1", b"2.4"), UNSUPPORTED, "AR")

    assert err == ["ERR", "^^^200&Unsupported message type&HL70357"]


def test_without_msh_there_is_still_an_answer() -> None:
    """In the standard delimiters, to nobody by name."""
    built = acknowledgement.build(None, "AE", MALFORMED, NOON).decode()

    assert built.startswith("MSH|^~\\&|||||20260301120000+0000||ACK|")
    assert "\rMSA|AE||no OBR \\F\\ in it\r" in built


def test_framing_bytes_are_not_repeated() -> None:
    """A control id cannot end the frame of its own answer."""
    built = acknowledgement.build(message.read_header(oru("M\x1c\x0b1")), "AA", None, NOON)

    assert b"\x1c" not in built
    assert b"\x0b" not in built


def test_a_long_field_is_not_repeated_whole() -> None:
    """An answer stays small."""
    raw = oru("M" * 1_000_000)

    assert len(acknowledgement.build(message.read_header(raw), "AA", None, NOON)) < 2000


@pytest.mark.parametrize(
    ("accept", "application", "stored", "malformed", "unsupported"),
    [
        ("", "", ("AA",), ("AE",), ("AR",)),
        ("AL", "NE", ("CA",), ("CE",), ("CR",)),
        ("AL", "", ("CA",), ("CE",), ("CR",)),
        ("NE", "AL", ("AA",), ("AE",), ("AR",)),
        ("", "AL", ("AA",), ("AE",), ("AR",)),
        ("AL", "AL", ("CA", "AA"), ("CE",), ("CR",)),
        ("ER", "NE", (), ("CE",), ("CR",)),
        ("SU", "NE", ("CA",), (), ()),
        ("ER", "AL", ("AA",), ("CE",), ("CR",)),
        ("NE", "ER", (), ("AE",), ("AR",)),
        ("NE", "NE", (), (), ()),
        ("??", "NE", ("CA",), ("CE",), ("CR",)),
    ],
)
def test_acknowledgement_modes(
    accept: str,
    application: str,
    stored: tuple[str, ...],
    malformed: tuple[str, ...],
    unsupported: tuple[str, ...],
) -> None:
    """MSH-15 and MSH-16 choose which answers a sender gets (table 0155)."""
    header = message.read_header(oru(msh=f"|||{accept}|{application}"))

    given = [acknowledgement.codes(header, error) for error in (None, MALFORMED, UNSUPPORTED)]

    assert given == [stored, malformed, unsupported]


def test_batch_answer_counts_its_answers() -> None:
    """One frame with one answer a message."""
    one = acknowledgement.build(message.read_header(oru()), "AA", None, NOON)

    built = acknowledgement.batch([one, one], NOON)

    assert built.startswith(b"BHS|^~\\&|")
    assert built.endswith(b"\rBTS|2\r")
    assert built.count(b"MSA|AA|M1") == 2
