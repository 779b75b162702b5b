"""The words that people read for states and findings, and which of the states wait for a person."""

from db.learning_records import ModelState, RunState
from db.progress import Progress
from db.records import Absence, JobState, StudyState
from db.result_records import DeliveryState

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
ABSENCES: dict[str, str] = {
    Absence.DAMAGED: "damaged, in the quarantine",
    Absence.MISSING: "missing",
    Absence.LOST: "accepted as lost",
}
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
MODEL_STATES: dict[str, str] = {
    ModelState.CURRENT: "reads",
    ModelState.SHADOW: "shadow",
    ModelState.CANDIDATE: "candidate",
    ModelState.RETIRED: "retired",
}
RUN_STATES: dict[str, str] = {
    RunState.WAITING: "waiting",
    RunState.RUNNING: "training",
    RunState.STOPPING: "stopping",
    RunState.DONE: "done",
    RunState.STOPPED: "stopped",
    RunState.FAILED: "failed",
}
BADGES: dict[str, str] = {
    ModelState.CURRENT: "good",
    ModelState.SHADOW: "wait",
    RunState.WAITING: "wait",
    RunState.RUNNING: "good",
    RunState.STOPPING: "wait",
    RunState.FAILED: "bad",
}
"""How a state of a model or a training stands out."""


def sentence(error: Exception) -> str:
    """An error's words as a sentence on a page."""
    said = str(error)
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}"


def date(written: str) -> str:
    """A day of a header as people write it, 2026-03-18; what is no DA value (DICOM PS3.5 6.2) stays as it came."""
    digits = written.isascii() and written.isdigit() and len(written) == 8
    return f"{written[:4]}-{written[4:6]}-{written[6:]}" if digits else written


def finding(name: str) -> str:
    """A finding's name as people write it: "Pleural_Thickening" is the label, "Pleural thickening" the words."""
    return name.replace("_", " ").capitalize()
