"""On which addresses the console may be shown."""

import ssl
from pathlib import Path

import pytest

from db import people
from db.engine import connect
from db.people_records import Role
from node import wiring
from node.commands.serve import ready_line
from node.console.exposure import require_encrypted, require_people
from node.errors import SettingsError
from node.parts import NodeRole
from node.settings import load
from tests.node.console.browser import Browser
from tests.node.console.conftest import NOON, PASSWORD
from tests.peers.certificates import Certificates


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "hospital.example", ""])
def test_other_machines_see_it_with_tls_and_a_user_alone(host: str) -> None:
    """Each sentence says what to do."""
    with pytest.raises(SettingsError, match=r"set console\.tls_certificate and console\.tls_key, or use 127\.0\.0\.1"):
        require_encrypted(host, encrypted=False)
    with pytest.raises(SettingsError, match="make the first user with cxr users add NAME --role administrator"):
        require_people(host, 0)

    require_encrypted(host, encrypted=True)
    require_people(host, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_neither(host: str) -> None:
    """A new node can be looked at before anything was set up."""
    require_encrypted(host, encrypted=False)
    require_people(host, 0)


def test_a_node_is_shown_to_other_machines_once_all_is_there(
    tmp_path: Path, certificates: Certificates, password_hash: str
) -> None:
    """Without a certificate it does not start, then without a user it does not, then the login is there over TLS."""
    plain = {"data": tmp_path, "console.host": "0.0.0.0", "console.port": 0}
    encrypted = plain | {"console.tls_certificate": certificates.server, "console.tls_key": certificates.server_key}
    with pytest.raises(SettingsError, match="without TLS"):
        wiring.build(load(None, **plain), {NodeRole.CONSOLE})
    with pytest.raises(SettingsError, match="nobody could log in"):
        wiring.build(load(None, **encrypted), {NodeRole.CONSOLE})
    with connect(load(None, **encrypted).database_url).write() as connection:
        people.add(connection, name="anna", password_hash=password_hash, role=Role.ADMINISTRATOR, now=NOON)

    node = wiring.build(load(None, **encrypted), {NodeRole.CONSOLE})
    node.start()
    client = Browser(node.console.port, ssl.create_default_context(cafile=certificates.authority))
    page, answer = client.get("/system"), client.log_in("anna", PASSWORD)
    ready = ready_line(node)
    node.stop()

    assert (page.status, answer.status) == (303, 303)
    assert "console on https://0.0.0.0:" in ready


def test_who_only_receives_shows_nothing(tmp_path: Path) -> None:
    """A process without the console is not refused for what another one would show."""
    settings = load(None, data=tmp_path, **{"console.host": "0.0.0.0"})

    wiring.build(settings, {NodeRole.RECONCILE}).stop()
