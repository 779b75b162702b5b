"""Fuzz what comes to the MLLP port: frames, messages, batches, and the answers to them."""

import logging
from datetime import UTC, datetime
from typing import Any

from node.hl7.framing import Deframer, Fault
from node.hl7.intake import Intake, Received
from tests.node.hl7.mllp import oru

FAULTS: list[logging.LogRecord] = []
NO_DATABASE: Any = None


class _Heard(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            FAULTS.append(record)


def seeds() -> list[bytes]:
    """A report in its frame, a batch, two frames."""
    batch = b"FHS|^~\\&|RIS\rBHS|^~\\&|RIS\r" + oru() + oru("M2") + b"BTS|2\rFTS|1\r"
    framed = [b"\x0b" + content + b"\x1c\r" for content in (oru(), batch, oru(text="\\H\\Clear\\N\\ \\X0D\\ ~lungs"))]
    return [*framed, framed[0] + framed[2]]


def check(data: bytes) -> None:
    """Each frame is taken or answered with an error; none is a fault of ours."""
    log = logging.getLogger("node.hl7.intake")
    log.handlers[:], log.propagate = [_Heard()], False
    intake = Intake(database=NO_DATABASE, accession_from=("OBR-3", "ORC-3"), now=lambda: datetime.now(UTC))
    deframer = Deframer(8 * 1024)
    for start in range(0, len(data), 1000):
        for event in deframer.feed(data[start : start + 1000]):
            if not isinstance(event, Fault):
                batch, cases = intake._read(Received(content=event, peer_address="127.0.0.1"))
                intake._answer(batch=batch, cases=cases)
    if FAULTS:
        _, error, _ = FAULTS.pop().exc_info or (None, None, None)
        raise AssertionError("a fault in the node") from error
