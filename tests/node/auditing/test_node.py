"""A whole node whose audit log goes elsewhere, too."""

from urllib.request import urlopen

from lxml import etree

from tests.node.auditing.collector import HOST
from tests.node.auditing.conftest import Start
from tests.nodes import StartNode, chest, push
from tests.peers.pacs import StorageScp


def test_what_came_and_what_went_is_told(start_node: StartNode, pacs: StorageScp, listening: Start):
    """From whom, to whom, of which study and patient; and people log in by the provider of the settings."""
    collector = listening()
    oidc = {
        "issuer": "https://login.example.org",
        "client_id": "cxr",
        "client_secret": "s",
        "roles": {"cxr-readers": "radiologist"},
    }
    node = start_node(pacs=pacs, **{"audit.syslog": f"{HOST}:{collector.port}", "console.oidc": oidc})
    image = chest()
    push(node, image)

    started, received, delivered = (etree.fromstring(each.partition(b"\xef\xbb\xbf")[2]) for each in collector.take(3))
    with urlopen(f"http://{HOST}:{node.console.port}/login") as page:
        login = page.read().decode()

    assert [acts(each) for each in (started, received, delivered)] == ["node.start", "study.receive", "study.deliver"]
    assert participants(received)[0] == ("110153", "MODALITY")
    assert participants(delivered)[2] == ("110152", "pacs")
    for each in (received, delivered):
        found = {each.get("ParticipantObjectID") for each in each.iter("ParticipantObjectIdentification")}
        assert {image.PatientID, image.StudyInstanceUID} <= found
    assert 'href="/login/oidc"' in login


def acts(message: etree._Element) -> str:
    """The node's own name for it."""
    return message.findall("EventIdentification/EventTypeCode")[-1].get("csd-code")


def participants(message: etree._Element) -> list[tuple[str | None, str]]:
    """Role and name of each."""
    found = message.findall("ActiveParticipant")
    return [(each[0].get("csd-code") if len(each) else None, each.get("UserID")) for each in found]
