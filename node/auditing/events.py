"""What an act of the audit log is called in a DICOM audit message (DICOM PS3.15 A.5.3, PS3.16 CID 400 and 401).

An act that is in no table here is an Application Activity, under the node's own name for it. Every message has that
name as a further event type, so that an entry can be found again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code with its system and meaning."""

    value: str
    meaning: str
    system: str = "DCM"


class About(StrEnum):
    """What an entry's subject is."""

    PATIENT_DATA = "patient data"
    QUERY = "query"
    USER = "user"
    RESOURCE = "resource"
    AUDIT_LOG = "audit log"
    ADDRESS = "address"
    """Where the actor is, and not what was acted on."""


class Flow(StrEnum):
    """Which way patients' data went, if they did."""

    IN = "in"
    OUT = "out"
    TO_PERSON = "to a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of the standard.

    Args:
        action: EventActionCode: Create, Read, Update, Delete, Execute.
        outcome: EventOutcomeIndicator: 0 success, 4 minor failure, 8 serious failure.
    """

    event_id: Code
    action: str
    about: About
    type: Code | None = None
    outcome: int = 0
    flow: Flow | None = None


APPLICATION_ACTIVITY = Code(value="110100", meaning="Application Activity")
AUDIT_LOG_USED = Code(value="110101", meaning="Audit Log Used")
BEGIN_TRANSFERRING = Code(value="110102", meaning="Begin Transferring DICOM Instances")
INSTANCES_ACCESSED = Code(value="110103", meaning="DICOM Instances Accessed")
INSTANCES_TRANSFERRED = Code(value="110104", meaning="DICOM Instances Transferred")
STUDY_DELETED = Code(value="110105", meaning="DICOM Study Deleted")
EXPORT = Code(value="110106", meaning="Export")
PATIENT_RECORD = Code(value="110110", meaning="Patient Record")
QUERY = Code(value="110112", meaning="Query")
SECURITY_ALERT = Code(value="110113", meaning="Security Alert")
USER_AUTHENTICATION = Code(value="110114", meaning="User Authentication")

START = Code(value="110120", meaning="Application Start")
STOP = Code(value="110121", meaning="Application Stop")
LOGIN = Code(value="110122", meaning="Login")
LOGOUT = Code(value="110123", meaning="Logout")
NODE_AUTHENTICATION = Code(value="110126", meaning="Node Authentication")
SOFTWARE_CONFIGURATION = Code(value="110131", meaning="Software Configuration")
ROLES_CHANGED = Code(value="110136", meaning="Security Roles Changed")
USER_CHANGED = Code(value="110137", meaning="User security Attributes Changed")

_TRIED = Event(event_id=USER_AUTHENTICATION, action="E", about=About.ADDRESS, type=LOGIN, outcome=4)
_USER = Event(event_id=SECURITY_ALERT, action="E", about=About.USER, type=USER_CHANGED)
_TURNED_AWAY = Event(event_id=SECURITY_ALERT, action="E", about=About.ADDRESS, type=NODE_AUTHENTICATION, outcome=4)
_SEEN = Event(event_id=INSTANCES_ACCESSED, action="R", about=About.PATIENT_DATA)
_CHANGED = Event(event_id=INSTANCES_ACCESSED, action="U", about=About.PATIENT_DATA)
_LISTED = Event(event_id=QUERY, action="E", about=About.QUERY)
_JUDGED = Event(event_id=PATIENT_RECORD, action="U", about=About.PATIENT_DATA)
_CONFIGURED = Event(event_id=SECURITY_ALERT, action="E", about=About.RESOURCE, type=SOFTWARE_CONFIGURATION)
_HARMED = Event(event_id=SECURITY_ALERT, action="E", about=About.PATIENT_DATA, outcome=8)
_OTHER = Event(event_id=APPLICATION_ACTIVITY, action="E", about=About.RESOURCE)

EVENTS: Mapping[str, Event] = {
    "node.start": Event(event_id=APPLICATION_ACTIVITY, action="E", about=About.RESOURCE, type=START),
    "node.stop": Event(event_id=APPLICATION_ACTIVITY, action="E", about=About.RESOURCE, type=STOP),
    "login": Event(event_id=USER_AUTHENTICATION, action="E", about=About.ADDRESS, type=LOGIN),
    "logout": Event(event_id=USER_AUTHENTICATION, action="E", about=About.ADDRESS, type=LOGOUT),
    "login.refuse": _TRIED,
    "password.refuse": _TRIED,
    "token.refuse": _TRIED,
    "association.reject": _TURNED_AWAY,
    "connection.refuse": _TURNED_AWAY,
    "user.add": _USER,
    "user.password": _USER,
    "user.provider": _USER,
    "user.disable": _USER,
    "user.enable": _USER,
    "user.role": Event(event_id=SECURITY_ALERT, action="E", about=About.USER, type=ROLES_CHANGED),
    "token.create": Event(event_id=SECURITY_ALERT, action="E", about=About.RESOURCE, type=USER_CHANGED),
    "token.revoke": Event(event_id=SECURITY_ALERT, action="E", about=About.RESOURCE, type=USER_CHANGED),
    "study.view": _SEEN,
    "study.unmask": _SEEN,
    "study.read_again": _CHANGED,
    "results.retract": _CHANGED,
    "study.receive": Event(event_id=INSTANCES_TRANSFERRED, action="C", about=About.PATIENT_DATA, flow=Flow.IN),
    "study.deliver": Event(event_id=INSTANCES_TRANSFERRED, action="R", about=About.PATIENT_DATA, flow=Flow.OUT),
    "study.send_again": Event(event_id=BEGIN_TRANSFERRING, action="E", about=About.PATIENT_DATA, flow=Flow.OUT),
    "study.download": Event(event_id=EXPORT, action="R", about=About.PATIENT_DATA, flow=Flow.TO_PERSON),
    "labels.download": Event(event_id=EXPORT, action="R", about=About.QUERY, flow=Flow.TO_PERSON),
    "report.view": Event(event_id=PATIENT_RECORD, action="R", about=About.PATIENT_DATA),
    "label.correct": _JUDGED,
    "label.take_back": _JUDGED,
    "worklist.view": _LISTED,
    "reports.view": _LISTED,
    "labels.view": _LISTED,
    "discrepancies.view": _LISTED,
    "audit.view": Event(event_id=AUDIT_LOG_USED, action="R", about=About.AUDIT_LOG),
    "files.removed": Event(event_id=STUDY_DELETED, action="D", about=About.PATIENT_DATA),
    "file.damaged": _HARMED,
    "file.missing": _HARMED,
    "file.lost": Event(event_id=INSTANCES_ACCESSED, action="D", about=About.PATIENT_DATA),
    "file.returned": _CHANGED,
    "model.register": _CONFIGURED,
    "model.promote": _CONFIGURED,
    "model.rollback": _CONFIGURED,
    "model.reinstate": _CONFIGURED,
    "model.shadow": _CONFIGURED,
    "model.shadow_off": _CONFIGURED,
}
"""By the node's own name of the act."""


def event_of(action: str) -> Event:
    """What the standard calls an act."""
    return EVENTS.get(action, _OTHER)
