"""Take in messages: rows, then the answer.

The order is the promise: a message and its reports are committed before its sender may hear AA or CA. What waits
together is committed together; each message is answered for itself.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from db import mining_jobs, reports
from db.engine import Connection, Database
from db.errors import DatabaseError
from db.report_records import MessageArrival
from node.hl7 import acknowledgement, message
from node.hl7.arrival import make_arrival
from node.hl7.errors import Condition, Hl7Error, NotStoredError
from node.hl7.message import Header, Message
from node.hl7.report import AccessionField
from node.telemetry.metrics import Metrics, measure
from node.telemetry.readiness import Check

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a frame held, or what is the matter with what came instead of one."""

    content: bytes
    peer_address: str
    error: Hl7Error | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One message on its way to its answer: `arrival` if it can be stored, else `error`."""

    header: Header | None = None
    arrival: MessageArrival | None = None
    error: Hl7Error | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Receives messages into the database, and asks for their reports to be mined."""

    database: Database
    accession_from: Sequence[AccessionField]
    now: Callable[[], datetime]
    metrics: Metrics = field(default_factory=measure)
    disk: Check = lambda: None
    """What is the matter with the disk that messages are kept on; nothing is stored until it is mended."""

    def receive(self, frames: Sequence[Received]) -> list[list[bytes]]:
        """Store what the frames hold; when this returns, what is answered AA or CA is on disk.

        Returns:
            For each frame the answers to send, each to be framed; a batch has one.
        """
        batches, cases = zip(*(self._read(frame) for frame in frames), strict=True)
        settled = iter(self._record([case for each in cases for case in each]))
        return [
            self._answer(batch=batch, cases=[next(settled) for _ in each])
            for batch, each in zip(batches, cases, strict=True)
        ]

    def _read(self, frame: Received) -> tuple[bool, list[_Case]]:
        """Whether a frame is a batch, and its messages."""
        if frame.error is not None:
            return False, [_Case(error=frame.error)]
        try:
            contents = message.split(frame.content)
        except Hl7Error as error:
            return False, [_Case(error=error)]
        return contents.batch, [self._case(raw, frame.peer_address) for raw in contents.messages]

    def _case(self, raw: bytes, peer_address: str) -> _Case:
        """The MLLP door: past it goes no exception."""
        header = None
        try:
            header = message.read_header(raw)
            message.require_report(header)
            return _Case(header=header, arrival=self._arrival(message.parse(raw, header), raw, peer_address))
        except Hl7Error as error:
            return _Case(header=header, error=error)
        except Exception:
            log.exception("fault", extra={"fields": {"address": peer_address}})
            return _Case(header=header, error=_fault())

    def _arrival(self, of: Message, raw: bytes, peer_address: str) -> MessageArrival:
        return make_arrival(
            of,
            raw,
            accession_from=self.accession_from,
            peer_address=peer_address,
            answer=next(iter(acknowledgement.codes(of.header, None)), ""),
            received_at=self.now(),
        )

    def _record(self, cases: list[_Case]) -> list[_Case]:
        """Commit what can be stored, together; if that goes wrong for another reason than the database, each alone."""
        arrivals = [case.arrival for case in cases if case.arrival]
        if not arrivals:
            return cases
        if self.disk() is not None:
            return [replace(case, error=case.error or _full()) for case in cases]
        try:
            with self.database.write() as connection:
                new = reports.record_all(connection, arrivals)
                self._ask_to_mine(connection, arrivals, new)
        except DatabaseError:
            log.exception("out of resources", extra={"fields": {"messages": len(arrivals)}})
            return [replace(case, error=case.error or _unavailable()) for case in cases]
        except Exception:
            log.exception("fault", extra={"fields": {"messages": len(arrivals)}})
            if len(arrivals) == 1:
                return [replace(case, error=case.error or _fault()) for case in cases]
            return [settled for case in cases for settled in self._record([case])]
        for arrival, is_new in zip(arrivals, new, strict=True):
            fields = {"address": arrival.peer_address, "reports": len(arrival.reports)}
            log.info("stored" if is_new else "duplicate", extra={"fields": fields})
        return cases

    def _ask_to_mine(self, connection: Connection, arrivals: Sequence[MessageArrival], new: Sequence[bool]) -> None:
        if any(is_new and arrival.reports for arrival, is_new in zip(arrivals, new, strict=True)):
            mining_jobs.queue(connection, None, self.now())

    def _answer(self, *, batch: bool, cases: list[_Case]) -> list[bytes]:
        now = self.now()
        answers = [
            acknowledgement.build(case.header, code, case.error, now)
            for case in cases
            for code in acknowledgement.codes(case.header, case.error)
        ]
        for case in cases:
            for code in acknowledgement.codes(case.header, case.error):
                self.metrics.answers.labels(code).inc()
            if case.error is not None:
                fields = {"answer": case.error.acknowledgement, "reason": case.error.text}
                log.warning("not taken", extra={"fields": fields})
        return [acknowledgement.batch(answers, now)] if batch and answers else answers


def _unavailable() -> NotStoredError:
    text = "not stored, the database does not answer; send it again later"
    return NotStoredError(Condition.APPLICATION_INTERNAL_ERROR, text)


def _full() -> NotStoredError:
    text = "not stored, the disk is nearly full; send it again later"
    return NotStoredError(Condition.APPLICATION_INTERNAL_ERROR, text)


def _fault() -> NotStoredError:
    return NotStoredError(Condition.APPLICATION_INTERNAL_ERROR, "not stored: a fault in the node")
