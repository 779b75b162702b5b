"""HL7 messages: bytes in, segments out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.hl7 import acknowledgement, message, report
from node.hl7.errors import Hl7Error, MalformedMessageError, UnsupportedMessageError
from tests.node.hl7.mllp import oru

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def read(raw: bytes) -> str:
    """All a node does with a frame, short of storing it: MSA-1 of each answer, and every report's text."""
    said = []
    for piece in message.split(raw).messages:
        header, error = None, None
        try:
            header = message.read_header(piece)
            message.require_report(header)
            found = report.reports(message.parse(piece, header), ("OBR-3", "ORC-3", "OBR-18"), NOON)
            said += [each.text for each in found]
        except Hl7Error as refused:
            error = refused
        for code in acknowledgement.codes(header, error):
            acknowledgement.build(header, code, error, NOON).decode("latin-1")
            said.append(code)
    return " ".join(said)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_else(raw: bytes) -> None:
    """Whatever comes, there is an answer."""
    assert read(raw)


@settings(deadline=None)
@given(st.binary(max_size=80), st.integers(0, 300), st.integers(0, 80))
def test_a_damaged_message_raises_nothing_else(junk: bytes, at: int, cut: int) -> None:
    """A message with bytes put in and taken out somewhere has an answer, too."""
    whole = oru(text=r"Clear.\.br\No effusion.")

    read(whole[:at] + junk + whole[at + cut :])


@settings(deadline=None)
@given(st.text(alphabet="MSHOBRX|^~\\&\r\n123.ZDPI", max_size=200))
def test_almost_messages_raise_nothing_else(text: str) -> None:
    """What looks like HL7 has an answer, too."""
    read(b"MSH|^~\\&|A|B|||20260301||ORU^R01|1|P|2.4\r" + text.encode())
    read(b"MSH" + text.encode())


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_segments_end_as_senders_end_them(end: bytes) -> None:
    """CR is the standard; LF and CRLF are understood."""
    parsed = message.parse(oru().replace(b"\r", end))

    assert [segment.name for segment in parsed.segments] == ["MSH", "PID", "ORC", "OBR", "OBX"]


def test_a_bare_line_end_inside_text_belongs_to_the_text() -> None:
    """Some senders forget to escape it; no line of the report is lost."""
    assert read(oru(text="Clear lungs.\nNo effusion.")) == "Clear lungs.\nNo effusion. AA"


def test_msh_fields_are_counted_as_the_standard_does() -> None:
    """MSH-1 is the delimiter itself."""
    parsed = message.parse(oru())
    msh = parsed.segments[0]

    values = [parsed.value(msh, number) for number in (3, 4, 10, 12)]
    assert [msh.field(1), msh.field(2), *values] == ["|", "^~\\&", "RIS", "HOSPITAL", "M1", "2.5.1"]
    assert [parsed.header.field(1), parsed.header.field(10)] == [b"|", b"M1"]
    assert parsed.value(msh, 9, 2) == "R01"


def test_custom_delimiters() -> None:
    """MSH-1 and MSH-2 decide, escapes follow them."""
    raw = oru(text="Clear~lungs").translate(bytes.maketrans(b"|^~\\&", b"!@#%*"))

    assert read(raw.replace(b"lungs", b"lungs %F% %.br%end")) == "Clear\nlungs ! \nend AA"


@pytest.mark.parametrize(
    "start",
    [b"MSH|^^\\&|", b"MSHA^~\\&|", b"MSH||", b"MSH|^|", b"MSH|^~ &|", b"MSH|^~\\&#!|", b"MSH\r"],
)
def test_delimiters_that_are_none_are_refused(start: bytes) -> None:
    """A message that cannot be cut is not guessed at."""
    with pytest.raises(MalformedMessageError):
        message.read_header(start + b"A|B|||20260301||ORU^R01|1|P|2.4\r")


def test_truncation_character_of_version_2_7_is_understood() -> None:
    """MSH-2 has five characters there."""
    assert read(oru().replace(b"^~\\&|", b"^~\\&#|", 1)) == "Clear lungs. AA"


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.2"])
def test_versions_that_are_taken(version: str) -> None:
    """2.3 to 2.8."""
    message.require_report(message.read_header(oru().replace(b"2.5.1", version.encode() + b"^DEU")))


@pytest.mark.parametrize(
    "raw",
    [
        oru().replace(b"ORU^R01^ORU_R01", b"ORM^O01"),
        oru().replace(b"ORU^R01^ORU_R01", b"ORU^R30"),
        oru().replace(b"ORU^R01^ORU_R01", b""),
        oru().replace(b"2.5.1", b"3.0"),
        oru().replace(b"2.5.1", b"2.2"),
        oru().replace(b"2.5.1", b""),
    ],
)
def test_other_types_and_versions_are_never_taken(raw: bytes) -> None:
    """AR, since sending them again changes nothing."""
    with pytest.raises(UnsupportedMessageError):
        message.require_report(message.read_header(raw))


def test_without_a_control_id_it_is_refused() -> None:
    """Its answer could not be told from another's."""
    with pytest.raises(MalformedMessageError):
        message.require_report(message.read_header(oru("")))


def test_a_batch_is_cut_into_its_messages() -> None:
    """FHS, BHS, BTS and FTS are wrapping."""
    batch = b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + oru("M1") + oru("M2") + b"BTS|2\rFTS|1\r"

    contents = message.split(batch)

    assert contents.batch
    assert [message.read_header(raw).field(10) for raw in contents.messages] == [b"M1", b"M2"]
    assert contents.messages == (oru("M1"), oru("M2"))


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_single_message_is_kept_byte_for_byte(end: bytes) -> None:
    """Cutting changes nothing of what is stored."""
    raw = oru().replace(b"\r", end)

    assert message.split(raw).messages == (raw,)


def test_what_stands_before_the_first_message_is_answered_apart() -> None:
    """A rest of something else does not take the message after it along."""
    contents = message.split(b"OBX|1|TX|...\r" + oru())

    assert not contents.batch
    assert [piece[:3] for piece in contents.messages] == [b"OBX", b"MSH"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20260301120000+0000", NOON),
        ("20260301140000+0200", NOON),
        ("20260301120000.1234-0000", NOON.replace(microsecond=123400)),
        ("202603011200+0000", NOON),
        ("20260301120060+0000", NOON.replace(second=59)),
        ("", None),
        ("20261301", None),
        ("yesterday", None),
        ("00000000", None),
        ("99991231235959-1200", None),
        ("20260301120000+9999", None),
    ],
)
def test_time(value: str, expected: datetime | None) -> None:
    """Times in UTC; what is no time is None."""
    assert message.time(value) == expected


def test_a_time_without_an_offset_is_local() -> None:
    """The clock on the wall where the node stands."""
    assert message.time("20260301") == datetime(2026, 3, 1).astimezone(UTC)


def test_too_many_segments_are_refused() -> None:
    """A bound on what one message may make the node hold."""
    with pytest.raises(MalformedMessageError):
        message.parse(oru() + b"OBX\r" * message.MAX_SEGMENTS)
