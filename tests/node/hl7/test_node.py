"""The whole node with its three ports: a report comes in, the command finds it."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node import wiring
from node.__main__ import app
from node.errors import SettingsError
from node.settings import load
from tests.node.console.browser import Browser
from tests.node.hl7.mllp import HOST, Client, code, oru

# The counts of studies, jobs and deliveries call Result.tuples(), which SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The Result.tuples")

ROOT = Path(__file__).parents[3]
PORTS = {"dicom.port": 0, "hl7.port": 0, "console.port": 0}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The HL7 port and the console's port of a running `cxr serve`, as its ready line names them."""
    options = ["--data", str(tmp_path), "--dicom-port", "0", "--hl7-port", "0", "--console-port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "node", "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        hl7 = re.search(r"HL7 on 127\.0\.0\.1:(\d+)", ready)
        console = re.search(r"console on http://127\.0\.0\.1:(\d+)", ready)
        assert hl7
        assert console
        yield int(hl7[1]), int(console[1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def cxr(*arguments: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_a_report_comes_in_and_is_found(served: tuple[int, int], tmp_path: Path) -> None:
    """By MLLP in, by the command out, and the console says that all is well."""
    hl7, console = served
    with Client(hl7) as client:
        codes = [code(client.ask(oru(accession="A7", text="Clear~lungs"))) for _ in range(2)]

    assert codes == ["AA", "AA"]
    assert cxr("reports", "count", "--accession", "A7", "--data", str(tmp_path)) == "1\n"
    assert cxr("reports", "count", "--data", str(tmp_path)) == "1\n"
    assert cxr("reports", "text", "--accession", "A7", "--data", str(tmp_path)) == "Clear\nlungs\n"
    assert '"status": "final"' in cxr("reports", "text", "--accession", "A7", "--data", str(tmp_path), "--json")
    assert Browser(console).get("/healthz").json() == {"ok": True}


def test_an_unknown_accession_number_is_said_in_a_sentence(served: tuple[int, int], tmp_path: Path) -> None:
    """Without repeating it."""
    with pytest.raises(SettingsError, match="no report has arrived"):
        cxr("reports", "text", "--accession", "A7", "--data", str(tmp_path))


def test_the_console_is_not_shown_to_other_machines(tmp_path: Path) -> None:
    """`host` does not move it, and `console.host` may not."""
    with pytest.raises(SettingsError, match=r"console\.host 0\.0\.0\.0 would show the console"):
        wiring.build(load(None, **PORTS, data=tmp_path, **{"console.host": "0.0.0.0"}))

    node = wiring.build(load(None, **PORTS, data=tmp_path, host="0.0.0.0"))
    try:
        assert node.console._socket.getsockname()[0] == HOST
    finally:
        node.listener.stop()
        node.console.stop()
        node.scp._listener.close()
        node.database.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of localhost's own, with its key in the same file."""
    return certified(tmp_path, "node.pem")


def certified(tmp_path: Path, name: str) -> Path:
    """A new certificate of localhost's own, which is in `crt`, with its key in a file of this name."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path / name
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", "-x509", *options, "-subj", "/CN=localhost", "-keyout", path, "-out", tmp_path / "crt"],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + (tmp_path / "crt").read_bytes())
    return path


def test_reports_come_in_over_tls(certificate: Path, tmp_path: Path) -> None:
    """With a certificate in the settings the port speaks TLS; who speaks plainly disturbs nobody."""
    node = wiring.build(load(None, **PORTS, data=tmp_path / "data", **{"hl7.tls_certificate": certificate}))
    node.start()
    try:
        context = ssl.create_default_context(cafile=str(tmp_path / "crt"))
        with Client(node.listener.port) as silent, Client(node.listener.port) as client:
            silent.send(b"\x0bMSH|^~\\&|")
            client.sock = context.wrap_socket(client.sock, server_hostname="localhost")

            assert code(client.ask(oru())) == "AA"
    finally:
        node.stop()


def test_a_certificate_is_exchanged_while_reports_come_in(certificate: Path, tmp_path: Path) -> None:
    """The next connection sees the new certificate; the one before goes on."""
    node = wiring.build(load(None, **PORTS, data=tmp_path / "data", **{"hl7.tls_certificate": certificate}))
    node.start()
    try:
        before = ssl.create_default_context(cafile=str(tmp_path / "crt"))
        with Client(node.listener.port) as first, Client(node.listener.port) as second:
            first.sock = before.wrap_socket(first.sock, server_hostname="localhost")
            certified(tmp_path, "new.pem").replace(certificate)
            after = ssl.create_default_context(cafile=str(tmp_path / "crt"))
            second.sock = after.wrap_socket(second.sock, server_hostname="localhost")

            assert [code(each.ask(oru())) for each in (first, second)] == ["AA", "AA"]
    finally:
        node.stop()


def test_a_certificate_that_is_none_is_said_in_a_sentence(tmp_path: Path) -> None:
    """Before any port is open for peers."""
    with pytest.raises(SettingsError, match=r"hl7\.tls_certificate"):
        wiring.build(load(None, **PORTS, data=tmp_path, **{"hl7.tls_certificate": tmp_path / "none.pem"}))
