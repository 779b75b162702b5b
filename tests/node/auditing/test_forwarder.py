"""The audit log on its way to a collector: real sockets, and a collector that goes and comes back."""

import re
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import insert

from db import audit, audit_sending
from db.engine import Database
from db.schema import study
from node.auditing import dispatch
from node.auditing.dispatch import Dispatch, collector_of
from node.auditing.forwarder import Forwarder
from node.auditing.message import Node
from node.sections.section import TlsSettings
from node.sections.security import AuditSettings
from node.telemetry.forwarding import Forwarding
from tests.node.auditing.collector import HOST
from tests.node.auditing.conftest import Start
from tests.peers.certificates import Certificates

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NODE = Node(ae_title="CXRNODE", host="cxr1", pid=4711)
HEADER = rb"<85>1 2026-03-01T12:00:00\.000\+00:00 cxr1 cxr-node 4711 DICOM\+RFC3881 - \xef\xbb\xbf<\?xml "


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """One with a study of a patient, whose log is sent from now on."""
    with sqlite_database.write() as connection:
        audit.append(connection, actor="somebody", action="login", subject=HOST, now=NOW)
        audit_sending.begin(connection, NOW)
        connection.execute(insert(study).values(**STUDY))
    return sqlite_database


STUDY = {
    "study_instance_uid": "2.25.1",
    "patient_id": "P-17",
    "patient_name": "Doe^Anna",
    "accession_number": "A1",
    "study_date": "20260301",
    "state": "read",
    "revision": 1,
    "first_received_at": NOW,
    "last_received_at": NOW,
}


def forwarder(database: Database, port: int, **how: Any) -> Forwarder:
    """What sends to a port."""
    settings = AuditSettings(syslog=f"{HOST}:{port}", **how)
    return Forwarder(database=database, collector=collector_of(settings), node=NODE, now=lambda: NOW)


def view(database: Database, *studies: str) -> None:
    """Somebody looks at studies."""
    with database.write() as connection:
        for uid in studies:
            audit.append(connection, actor="reader1", action="study.view", subject=uid, now=NOW)


def seen(messages: list[bytes]) -> list[str]:
    """The subject of each message."""
    found = []
    for message in messages:
        assert re.match(HEADER, message)
        root = etree.fromstring(message.partition(b"\xef\xbb\xbf")[2])
        found.append(root.findall("ParticipantObjectIdentification")[-2].get("ParticipantObjectID"))
    return found


def go() -> threading.Event:
    """Nobody wants it to stop."""
    return threading.Event()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_entries_arrive_in_their_order(database: Database, listening: Start, transport: str):
    """From the one on that was logged after it was switched on, each with its patient's id."""
    collector = listening(udp=transport == "udp")
    view(database, "2.25.1", "2.25.2")

    forwarder(database, collector.port, transport=transport).run(go())

    first, second = collector.take(2)
    assert seen([first, second]) == ["2.25.1", "2.25.2"]
    assert b'ParticipantObjectID="P-17"' in first
    assert b"Doe" not in first
    assert b"P-17" not in second
    assert collector.empty


def test_what_was_sent_is_not_sent_again(database: Database, listening: Start):
    """Not by the same process, and not by the next."""
    collector = listening()
    view(database, "2.25.1")
    first = forwarder(database, collector.port)
    first.run(go())
    first.run(go())
    first.release()
    view(database, "2.25.2")

    forwarder(database, collector.port).run(go())

    assert seen(collector.take(2)) == ["2.25.1", "2.25.2"]
    assert collector.empty


def test_a_collector_that_is_down_gets_everything_when_it_is_back(database: Database, listening: Start):
    """Entries wait, a sentence says why, and the lag is a metric."""
    gone = listening()
    gone.close()
    view(database, "2.25.1", "2.25.2")
    sending = forwarder(database, gone.port)
    sending.run(go())
    with database.read() as connection:
        waiting = audit_sending.unsent(connection)
    registry = CollectorRegistry()
    Forwarding(registry, database, lambda: NOW + timedelta(minutes=20))
    scraped = generate_latest(registry).decode()

    back = listening(port=gone.port)
    sending.run(go())

    assert (waiting.entries, waiting.oldest) == (2, NOW)
    assert waiting.fault == f"the audit collector {HOST}:{gone.port} does not answer, or broke off; see that it runs"
    assert "cxr_audit_unsent 2.0" in scraped
    assert "cxr_audit_unsent_seconds 1200.0" in scraped
    assert seen(back.take(2)) == ["2.25.1", "2.25.2"]
    with database.read() as connection:
        assert audit_sending.unsent(connection) == audit_sending.Unsent(entries=0, oldest=None, fault=None)


def test_a_collector_that_breaks_off_gets_the_batch_again(database: Database, listening: Start):
    """What it has not read to the end does not count as sent."""
    view(database, "2.25.1")
    with socket.create_server((HOST, 0)) as breaking:
        port = breaking.getsockname()[1]
        broken = threading.Thread(target=_break_off, args=(breaking,))
        broken.start()
        sending = forwarder(database, port)
        sending.run(go())
        broken.join()

    back = listening(port=port)
    sending.run(go())

    assert seen(back.take(1)) == ["2.25.1"]


def _break_off(breaking: socket.socket) -> None:
    """Take a connection, and reset it with what it sent unread."""
    taken = breaking.accept()[0]
    taken.recv(1, socket.MSG_PEEK)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    taken.close()


def test_over_tls_the_collector_is_known_by_its_certificate(
    database: Database, listening: Start, certificates: Certificates
):
    """By an authority of the settings; another's is not spoken to, and the entry waits."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificates.server, certificates.server_key)
    collector = listening(tls=server)
    view(database, "2.25.1")
    trusting = forwarder(database, collector.port, tls=TlsSettings())
    trusting.run(go())
    trusting.release()
    with database.read() as connection:
        fault = audit_sending.unsent(connection).fault

    forwarder(database, collector.port, tls=TlsSettings(ca=certificates.authority)).run(go())

    assert fault is not None
    assert "agree on no TLS" in fault
    assert seen(collector.take(1)) == ["2.25.1"]
    assert collector.empty


def test_the_node_says_when_it_starts_and_stops(sqlite_database: Database, listening: Start):
    """As Application Activity, and what was logged before is left where it is."""
    collector = listening()
    view(sqlite_database, "2.25.1")
    node = dispatch.build(AuditSettings(syslog=f"{HOST}:{collector.port}"), "CXRNODE", sqlite_database, lambda: NOW)
    node.start()
    started = collector.take(1)[0]
    node.stop()
    stopped = collector.take(1)[0]

    assert isinstance(node, Dispatch)
    assert b'csd-code="110120"' in started
    assert b'csd-code="110121"' in stopped
    assert collector.empty


@pytest.mark.parametrize(
    ("syslog", "host", "port"),
    [("siem:514", "siem", 514), ("10.1.2.3:6514", "10.1.2.3", 6514), ("[::1]:514", "::1", 514)],
)
def test_a_collectors_address(syslog: str, host: str, port: int):
    """A name, or an address of either kind."""
    settings = AuditSettings(syslog=syslog)

    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize(
    "how", [{"syslog": "siem"}, {"syslog": "siem:70000"}, {"transport": "udp", "tls": TlsSettings()}]
)
def test_settings_that_cannot_be(how: dict[str, Any]):
    """Refused before anything is opened."""
    with pytest.raises(ValueError, match=r"syslog|udp"):
        AuditSettings(**how)


def test_nothing_of_a_file(tmp_path: Path):
    """An authority that is not there is a sentence."""
    with pytest.raises(Exception, match=r"audit: tls\.ca"):
        collector_of(AuditSettings(syslog="siem:6514", tls=TlsSettings(ca=tmp_path / "no.pem")))
