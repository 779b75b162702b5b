"""The table of used fields, held against what is looked at."""

from datetime import UTC, datetime

import pytest

from node.hl7 import acknowledgement, message
from node.hl7.arrival import make_arrival
from node.hl7.errors import ERRORS, Hl7Error
from node.hl7.fields import FIELDS
from node.hl7.message import Header, Segment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DELIMITERS = {("MSH", 1), ("MSH", 2)}
SPARSE = "MSH|^~\\&|||||20260101||ORU^R01|1|P|2.5.1\rPID|1\rORC|RE\rOBR|1\rOBX|1|TX|&GDT||Clear.||||||F\r"
FULL = (
    "MSH|^~\\&|RIS|HOSP|NODE|HOSP|20260101||ORU^R01|2|P|2.5.1|||AL|AL||UNICODE UTF-8\r"
    "PID|1|2|3^^^^MR\rORC|RE|4|5\rOBR|1|6|7|8^CHEST||||||||||||||9||||20260101||CR|F\r"
    "OBX|1|TX|&GDT||Clear.||||||F\rOBX|2|ST|113014^UID^DCM||1.2.3\rZDS|1.2.3\r"
)


def test_fields_that_are_looked_at_are_in_the_table(monkeypatch: pytest.MonkeyPatch):
    """Who connects a report system finds every field that matters, and none that does not."""
    seen: set[tuple[str, int]] = set()
    header_field, segment_field = Header.field, Segment.field

    def of_header(self: Header, number: int) -> bytes:
        seen.add(("MSH", number))
        return header_field(self, number)

    def of_segment(self: Segment, number: int) -> str:
        seen.add((self.name, number))
        return segment_field(self, number)

    monkeypatch.setattr(Header, "field", of_header)
    monkeypatch.setattr(Segment, "field", of_segment)
    for text in (SPARSE, FULL):
        answer(text.encode())

    assert seen | DELIMITERS == {(each.segment, each.number) for each in FIELDS}


def answer(raw: bytes) -> None:
    """Take a message in, and answer it well and badly."""
    header = message.read_header(raw)
    message.require_report(header)
    of = message.parse(raw, header)
    accession_from = ("OBR-3", "ORC-3", "OBR-18")
    make_arrival(of, raw, accession_from=accession_from[::-1], peer_address="", answer="AA", received_at=NOW)
    for code in acknowledgement.codes(header, None):
        acknowledgement.build(header, code, None, NOW)


def test_each_error_says_when_it_is_answered():
    """No acknowledgement code stands in the statement without its meaning."""
    assert set(ERRORS) == set(Hl7Error.__subclasses__())
    assert all(each.meaning for each in ERRORS)
