"""An entry of the audit log as a DICOM audit message (DICOM PS3.15 A.5.1): XML after RFC 3881, as DICOM amended it.

Patients are in it by their id, since the site's audit repository is asked who saw whose data; names are not. The
entry's number and digest are in each message, so that the repository can prove what the chain was.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from db.audit import AuditEntry
from db.whose import Whose
from node.auditing.events import SECURITY_ALERT, About, Code, Event, Flow, event_of

OWN = "99CXRNODE"
"""The system of the node's own codes."""
RFC_3881 = "RFC-3881"
PATIENT_NUMBER = Code(value="2", meaning="Patient Number", system=RFC_3881)
SEARCH_CRITERIA = Code(value="10", meaning="Search Criteria", system=RFC_3881)
USER_IDENTIFIER = Code(value="11", meaning="User Identifier", system=RFC_3881)
URI = Code(value="12", meaning="URI", system=RFC_3881)
STUDY_INSTANCE_UID = Code(value="110180", meaning="Study Instance UID")
NODE_ID = Code(value="110182", meaning="Node ID")
APPLICATION = Code(value="110150", meaning="Application")
DESTINATION = Code(value="110152", meaning="Destination Role ID")
SOURCE = Code(value="110153", meaning="Source Role ID")
DESTINATION_MEDIA = Code(value="110154", meaning="Destination Media")
URI_MEDIA = Code(value="110037", meaning="URI")

PERSON, SYSTEM_OBJECT = "1", "2"
PATIENT, REPORT, RESOURCE, USER, SECURITY_RESOURCE, QUERY = "1", "3", "4", "11", "13", "24"
"""ParticipantObjectTypeCodeRole (PS3.15 A.5.1.2.2)."""
MACHINE, IP_ADDRESS = "1", "2"
"""NetworkAccessPointTypeCode."""
APPLICATION_SERVER = "4"
"""AuditSourceTypeCode."""

_FROM_ACTOR = (Flow.IN, Flow.TO_PERSON)
_OWN_ROLES: Mapping[Flow | None, Code] = {Flow.IN: DESTINATION, Flow.OUT: SOURCE}

MOST_DETAIL = 16 * 1024
"""Characters of an entry's detail that go along; a datagram has 64 KiB."""
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold: callers put into their names what they like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Who reports: the node's AE title, the machine, and the process."""

    ae_title: str
    host: str
    pid: int


def audit_message(entry: AuditEntry, node: Node, patients: Sequence[Whose]) -> bytes:
    """The XML of one entry, in UTF-8.

    Args:
        patients: whose data it was about, each study once.
    """
    event = event_of(entry.action)
    root = Element("AuditMessage")
    _identify(root, entry, event)
    _participants(root, entry, event, node)
    source = SubElement(root, "AuditSourceIdentification", {"AuditSourceID": _clean(node.ae_title)})
    SubElement(source, "AuditSourceTypeCode", {"csd-code": APPLICATION_SERVER})
    for patient_id in dict.fromkeys(each.patient_id for each in patients if each.patient_id):
        _object(root, PATIENT_NUMBER, patient_id, "Patient", kind=PERSON, role=PATIENT)
    for study in dict.fromkeys(each.study_instance_uid for each in patients if each.study_instance_uid):
        _object(root, STUDY_INSTANCE_UID, study, "Study", kind=SYSTEM_OBJECT, role=REPORT)
    _subject(root, entry, event)
    _entry(root, entry, node)
    document: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return document


def _identify(root: Element, entry: AuditEntry, event: Event) -> None:
    attributes = {
        "EventActionCode": event.action,
        "EventDateTime": entry.at.isoformat(timespec="milliseconds"),
        "EventOutcomeIndicator": str(event.outcome),
    }
    identified = SubElement(root, "EventIdentification", attributes)
    _code(identified, "EventID", event.event_id)
    if event.type is not None:
        _code(identified, "EventTypeCode", event.type)
    _code(identified, "EventTypeCode", Code(value=entry.action, meaning=entry.action, system=OWN))


def _participants(root: Element, entry: AuditEntry, event: Event, node: Node) -> None:
    """Who acted, where from; the node; and where data went."""
    address = entry.subject if event.about is About.ADDRESS else None
    _participant(
        root,
        entry.actor,
        role=SOURCE if event.flow in _FROM_ACTOR else None,
        requestor=True,
        at=address,
        kind=IP_ADDRESS,
    )
    own = _participant(root, str(node.pid), role=_OWN_ROLES.get(event.flow, APPLICATION), at=node.host, kind=MACHINE)
    own.set("AlternativeUserID", _clean(f"AETITLES={node.ae_title}"))
    own.set("UserName", "cxr-node")
    if event.flow is Flow.OUT:
        _participant(root, str(entry.detail.get("destination", "")), role=DESTINATION)
    if event.flow is Flow.TO_PERSON:
        media = SubElement(_participant(root, entry.actor, role=DESTINATION_MEDIA), "MediaIdentifier")
        _code(media, "MediaType", URI_MEDIA)


def _subject(root: Element, entry: AuditEntry, event: Event) -> None:
    """What was acted on, with what the entry says of it."""
    kinds = {
        About.QUERY: (SEARCH_CRITERIA, SYSTEM_OBJECT, QUERY),
        About.USER: (USER_IDENTIFIER, PERSON, USER),
        About.ADDRESS: (NODE_ID, SYSTEM_OBJECT, RESOURCE),
        About.AUDIT_LOG: (URI, SYSTEM_OBJECT, SECURITY_RESOURCE),
    }
    id_type, kind, role = kinds.get(event.about, (URI, SYSTEM_OBJECT, RESOURCE))
    detail = json.dumps(dict(entry.detail), sort_keys=True, ensure_ascii=False)
    query = detail if event.about is About.QUERY else None
    found = _object(root, id_type, entry.subject, entry.subject, kind=kind, role=role, query=query)
    if event.event_id == SECURITY_ALERT:
        _pair(found, "Alert Description", str(entry.detail.get("reason") or entry.action))
    if entry.detail and query is None and len(detail) <= MOST_DETAIL:
        _pair(found, "detail", detail)


def _entry(root: Element, entry: AuditEntry, node: Node) -> None:
    """Where the entry is, and its digest."""
    where = f"urn:cxr-node:{node.ae_title}:audit:{entry.id}".replace(" ", "%20")
    logged = _object(root, URI, where, "Security Audit Log", kind=SYSTEM_OBJECT, role=SECURITY_RESOURCE)
    _pair(logged, "digest", entry.digest)


def _participant(
    root: Element,
    user_id: str,
    *,
    role: Code | None = None,
    requestor: bool = False,
    at: str | None = None,
    kind: str = MACHINE,
) -> Element:
    attributes = {"UserID": _clean(user_id), "UserIsRequestor": "true" if requestor else "false"}
    if at is not None:
        attributes |= {"NetworkAccessPointID": _clean(at), "NetworkAccessPointTypeCode": kind}
    participant = SubElement(root, "ActiveParticipant", attributes)
    if role is not None:
        _code(participant, "RoleIDCode", role)
    return participant


def _object(
    root: Element, id_type: Code, object_id: str, name: str, *, kind: str, role: str, query: str | None = None
) -> Element:
    attributes = {
        "ParticipantObjectID": _clean(object_id),
        "ParticipantObjectTypeCode": kind,
        "ParticipantObjectTypeCodeRole": role,
    }
    found = SubElement(root, "ParticipantObjectIdentification", attributes)
    _code(found, "ParticipantObjectIDTypeCode", id_type)
    if query is None:
        SubElement(found, "ParticipantObjectName").text = _clean(name)
    else:
        SubElement(found, "ParticipantObjectQuery").text = _base64(query)
    return found


def _code(parent: Element, name: str, code: Code) -> None:
    attributes = {"csd-code": code.value, "codeSystemName": code.system, "originalText": code.meaning}
    SubElement(parent, name, attributes)


def _pair(parent: Element, kind: str, value: str) -> None:
    SubElement(parent, "ParticipantObjectDetail", {"type": kind, "value": _base64(value)})


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _clean(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
