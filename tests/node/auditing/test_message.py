"""Entries of the audit log as DICOM audit messages."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from db.audit import AuditEntry
from db.whose import Whose
from node.auditing.events import EVENTS
from node.auditing.message import Node, audit_message

NODE = Node(ae_title="CXRNODE", host="cxr1", pid=4711)
AT = datetime(2026, 3, 1, 12, 30, 5, 250_000, tzinfo=UTC)
SCHEMA = etree.RelaxNG(file=str(Path(__file__).parent / "audit_message.rng"))
ANNA = Whose(patient_id="P-17", study_instance_uid="2.25.1")


def entry(action: str, subject: str = "2.25.1", actor: str = "reader1", **detail: Any) -> AuditEntry:
    """One of the log."""
    return AuditEntry(id=42, at=AT, actor=actor, action=action, subject=subject, detail=detail, digest="9f" * 32)


def parsed(said: AuditEntry, *patients: Whose) -> etree._Element:
    """Its message, which the standard's schema allows."""
    root = etree.fromstring(audit_message(said, NODE, patients))
    SCHEMA.assertValid(root)
    return root


def codes(root: etree._Element, name: str) -> list[tuple[str, str]]:
    """Code and system of each element of a name, in order."""
    return [(each.get("csd-code"), each.get("codeSystemName")) for each in root.iter(name)]


def objects(root: etree._Element) -> dict[str, str]:
    """The ids of the objects by the code of their kind."""
    found = root.iter("ParticipantObjectIdentification")
    return {each[0].get("csd-code"): each.get("ParticipantObjectID") for each in found}


def test_a_view_of_a_study_names_who_where_and_whose(tmp_path: Path):
    """By the patient's id and the study's UID; the patient's name is nowhere."""
    root = parsed(entry("study.view"), ANNA)

    event = root.find("EventIdentification")
    assert dict(event.attrib) == {
        "EventActionCode": "R",
        "EventDateTime": "2026-03-01T12:30:05.250+00:00",
        "EventOutcomeIndicator": "0",
    }
    assert codes(root, "EventID") == [("110103", "DCM")]
    assert codes(root, "EventTypeCode") == [("study.view", "99CXRNODE")]
    person, node = root.findall("ActiveParticipant")
    assert dict(person.attrib) == {"UserID": "reader1", "UserIsRequestor": "true"}
    assert (node.get("UserID"), node.get("AlternativeUserID")) == ("4711", "AETITLES=CXRNODE")
    assert (node.get("NetworkAccessPointID"), node.get("NetworkAccessPointTypeCode")) == ("cxr1", "1")
    assert root.find("AuditSourceIdentification").get("AuditSourceID") == "CXRNODE"
    found = objects(root)
    assert (found["2"], found["110180"], found["12"]) == ("P-17", "2.25.1", "urn:cxr-node:CXRNODE:audit:42")


def test_each_message_carries_the_digest_of_its_entry():
    """So the repository can prove what the chain was."""
    logged = parsed(entry("study.view"), ANNA).findall("ParticipantObjectIdentification")[-1]

    detail = logged.find("ParticipantObjectDetail")
    assert (detail.get("type"), base64.b64decode(detail.get("value"))) == ("digest", b"9f" * 32)


@pytest.mark.parametrize(
    ("action", "event_id", "types", "outcome"),
    [
        ("login", "110114", ["110122"], "0"),
        ("login.refuse", "110114", ["110122"], "4"),
        ("logout", "110114", ["110123"], "0"),
        ("association.reject", "110113", ["110126"], "4"),
        ("user.role", "110113", ["110136"], "0"),
        ("model.promote", "110113", ["110131"], "0"),
        ("study.download", "110106", [], "0"),
        ("study.send_again", "110102", [], "0"),
        ("worklist.view", "110112", [], "0"),
        ("audit.view", "110101", [], "0"),
        ("files.removed", "110105", [], "0"),
        ("file.damaged", "110113", [], "8"),
        ("file.lost", "110103", [], "0"),
        ("node.start", "110100", ["110120"], "0"),
        ("node.stop", "110100", ["110121"], "0"),
        ("what.nobody.foresaw", "110100", [], "0"),
    ],
)
def test_each_act_is_an_event_of_the_standard(action: str, event_id: str, types: list[str], outcome: str):
    """With the node's own name for it as a further type."""
    root = parsed(entry(action, destination="pacs"))

    assert [code for code, _ in codes(root, "EventID")] == [event_id]
    assert [code for code, _ in codes(root, "EventTypeCode")] == [*types, action]
    assert root.find("EventIdentification").get("EventOutcomeIndicator") == outcome


@pytest.mark.parametrize("action", sorted(EVENTS))
def test_every_act_that_is_known_fits_the_schema(action: str):
    """With a patient and without one."""
    parsed(entry(action, reason="it was asked"), ANNA)
    parsed(entry(action))


def test_a_login_names_the_address_it_came_from():
    """As an IP address of the person."""
    person = parsed(entry("login", "10.1.2.3")).find("ActiveParticipant")

    assert (person.get("NetworkAccessPointID"), person.get("NetworkAccessPointTypeCode")) == ("10.1.2.3", "2")


def test_what_is_exported_says_to_whom():
    """The person is the source role, and the browser's download the medium."""
    root = parsed(entry("study.download"), ANNA)

    assert [code for code, _ in codes(root, "RoleIDCode")] == ["110153", "110150", "110154"]
    assert codes(root, "MediaType") == [("110037", "DCM")]


def test_sending_again_names_the_destination():
    """The node is the source."""
    root = parsed(entry("study.send_again", destination="pacs"), ANNA)

    assert [code for code, _ in codes(root, "RoleIDCode")] == ["110153", "110152"]
    assert root.findall("ActiveParticipant")[2].get("UserID") == "pacs"


def test_a_study_that_came_names_its_sender():
    """The sender is the source, the node the destination."""
    root = parsed(entry("study.receive", actor="DXROOM1", revision=1), ANNA)

    assert [code for code, _ in codes(root, "RoleIDCode")] == ["110153", "110152"]
    assert root.find("ActiveParticipant").get("UserID") == "DXROOM1"


def test_a_query_has_its_words_in_base64():
    """As the standard has it."""
    query = parsed(entry("worklist.view", "studies", state="failed")).find(".//ParticipantObjectQuery")

    assert base64.b64decode(query.text) == b'{"state": "failed"}'


@given(
    actor=st.text(max_size=40), subject=st.text(max_size=40), word=st.text(max_size=40), patient=st.text(max_size=40)
)
def test_what_callers_put_into_their_names_stays_xml(actor: str, subject: str, word: str, patient: str):
    """Control characters, markup and lone surrogates too."""
    whose = Whose(patient_id=patient, study_instance_uid=None)

    parsed(entry("association.reject", subject, actor, reason=word), whose)
