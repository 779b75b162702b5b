"""The words that people read for states and findings, and which of the states wait for a person."""

from db.records import DeliveryState, JobKind, JobState, StudyState
from db.report_records import ReportStatus

WORRYING = frozenset(
    (
        StudyState.FAILED,
        JobState.FAILED,
        JobState.DEAD,
        DeliveryState.REFUSED,
        DeliveryState.LOST,
        DeliveryState.UNCONFIRMED,
    )
)
"""States that wait for a person."""

STUDY_STATES: dict[str, str] = {
    StudyState.KEPT: "kept, not to be read",
    StudyState.ARRIVING: "arriving",
    StudyState.QUEUED: "waiting to be read",
    StudyState.READ: "read",
    StudyState.NOT_READ: "not read",
    StudyState.FAILED: "failed",
}
JOB_STATES: dict[str, str] = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.DEAD: "dead",
}
JOB_KINDS = {JobKind.READ: "read", JobKind.DELIVER: "deliver", JobKind.RETRACT: "retract"}
DELIVERY_STATES: dict[str, str] = {
    DeliveryState.WAITING: "waiting",
    DeliveryState.SENT: "sent",
    DeliveryState.ASKED: "sent, not yet committed",
    DeliveryState.COMMITTED: "committed",
    DeliveryState.REFUSED: "refused",
    DeliveryState.LOST: "accepted and lost there",
    DeliveryState.UNCONFIRMED: "never committed",
    DeliveryState.WITHHELD: "withheld",
    DeliveryState.WITHDRAWN: "withdrawn",
}
REPORT_STATUSES: dict[str, str] = {status: status.value for status in ReportStatus}


def finding(name: str) -> str:
    """A finding's name as people write it: "Pleural_Thickening" is the label, "Pleural thickening" the words."""
    return name.replace("_", " ").capitalize()
