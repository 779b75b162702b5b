"""The words that people read for states and findings, and which of the states wait for a person."""

from db.progress import Progress
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


PROGRESS: dict[str, str] = {
    Progress.ARRIVING: "arriving",
    Progress.QUEUED: "queued",
    Progress.READING: "reading",
    Progress.READ: "read",
    Progress.SENDING: "to be sent",
    Progress.SENT: "sent",
    Progress.COMMITTED: "committed",
    Progress.UNDELIVERED: "not delivered",
    Progress.NOT_READ: "not read",
    Progress.FAILED: "failed",
    Progress.RETRACTED: "retracted",
    Progress.KEPT: "kept, not to be read",
}
PROGRESS_BADGES: dict[str, str] = {
    Progress.ARRIVING: "wait",
    Progress.QUEUED: "wait",
    Progress.READING: "wait",
    Progress.SENDING: "wait",
    Progress.SENT: "good",
    Progress.COMMITTED: "good",
    Progress.UNDELIVERED: "bad",
    Progress.FAILED: "bad",
}
"""The look of a badge, where it is not plain."""


def finding(name: str) -> str:
    """A finding's name as people write it: "Pleural_Thickening" is the label, "Pleural thickening" the words."""
    return name.replace("_", " ").capitalize()


def sentence(error: Exception) -> str:
    """What an error says, as a sentence of its own."""
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}."
