"""What one place of a history holds: a report to be stored, or the reason why there is none."""

from dataclasses import dataclass

from db.report_records import MessageArrival
from node.errors import NodeError


class NoReportError(NodeError):
    """There is no report here that can be stored; the text says why, and holds nothing of what was read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place (a file, or a line or message of one) and what is there: `arrival`, else `refusal`, the reason."""

    place: str
    arrival: MessageArrival | None = None
    refusal: str | None = None
