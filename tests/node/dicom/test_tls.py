"""The DICOM port over TLS, against peers that have the wrong certificate, an old TLS, or nothing to say."""

import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from node.dicom.acceptance import Peer
from node.dicom.association import Limits
from node.transport.tls import Files, ServerTls
from tests.node.dicom.conftest import PATIENT, Receiver
from tests.node.dicom.raw import ABORT, ASSOCIATE_AC, ASSOCIATE_RJ, ECHO_RQ, RELEASE_RP, Image, RawPeer, request
from tests.node.dicom.test_association import ASSOCIATED, SOON_S, TO_BEGIN, drip, ends
from tests.nodes import chest
from tests.peers.certificates import Certificates, made_in
from tests.peers.dcmtk import run, tool
from tests.peers.processes import HOST, wait_until


class SecurePeer(RawPeer):
    """A raw peer that speaks TLS."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(port)
        self._sock = context.wrap_socket(self._sock, server_hostname=HOST)
        self.certificate = self._sock.getpeercert(binary_form=True)


def client(certificates: Certificates, *, shows: bool = True) -> ssl.SSLContext:
    """A modality that trusts the authority and, if it is to, shows its certificate."""
    context = ssl.create_default_context(cafile=certificates.authority)
    if shows:
        context.load_cert_chain(certificates.client, certificates.client_key)
    return context


@pytest.fixture
def own(certificates: Certificates, tmp_path: Path) -> Files:
    """The node's certificate files, a copy that may be changed; callers must be certified."""
    key = Path(shutil.copy(certificates.server_key, tmp_path / "node.key"))
    certificate = Path(shutil.copy(certificates.server, tmp_path / "node.pem"))
    clients = Path(shutil.copy(certificates.authority, tmp_path / "clients.pem"))
    return Files(certificate=certificate, key=key, clients=clients)


@pytest.fixture
def secure(start_receiver: Callable[..., Receiver], own: Files) -> Receiver:
    """A receiver over mutual TLS."""
    return start_receiver(limits=PATIENT, tls=ServerTls(own, "dicom").context)


@pytest.fixture(autouse=True)
def _nobody_is_left(secure: Receiver) -> Iterator[None]:
    """After each test the connections have ended, whatever became of their handshakes."""
    yield
    wait_until(lambda: not secure.scp._places.connected, timeout_s=30, what="a connection is left")


def echoed(port: int, context: ssl.SSLContext) -> bytes:
    """A C-ECHO over TLS; the certificate that the node showed."""
    with SecurePeer(port, context) as peer:
        peer.associate()
        peer.send(ECHO_RQ)
        assert peer.status() == 0
        assert peer.release() == RELEASE_RP
        return peer.certificate


def test_image_is_stored_over_tls(secure: Receiver, certificates: Certificates):
    """A certified modality's image arrives whole."""
    image = Image()
    with SecurePeer(secure.port, client(certificates)) as peer:
        peer.associate()
        peer.send(image.head, image.tail)

        assert peer.status() == 0
        assert peer.release() == RELEASE_RP
    assert secure.uids() == [image.uid]


@pytest.mark.peer
def test_storescu_stores_over_tls(secure: Receiver, certificates: Certificates, tmp_path: Path):
    """DCMTK's storescu, with its certificate, stores; without one, or speaking plainly, it does not."""
    ds = chest()
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    base = [tool("storescu"), "-aec", "CXRNODE", "-to", "5"]
    to = [HOST, str(secure.port), tmp_path / "a.dcm"]
    trusting = ["+cf", certificates.authority]

    anonymous = run([*base, "+tla", *trusting, *to])
    plain = run([*base, *to])
    known = run([*base, "+tls", certificates.client_key, certificates.client, *trusting, *to])

    assert anonymous.returncode != 0
    assert plain.returncode != 0
    assert (known.returncode, known.stdout) == (0, known.stdout)
    assert secure.uids() == [ds.SOPInstanceUID]


def test_caller_without_a_certificate_is_refused(secure: Receiver, certificates: Certificates):
    """Who shows no certificate does not get as far as an association."""
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        echoed(secure.port, client(certificates, shows=False))


def test_caller_of_another_authority_is_refused(secure: Receiver, certificates: Certificates, tmp_path: Path):
    """A certificate that somebody else signed is worth nothing."""
    context = client(certificates, shows=False)
    stranger = made_in(tmp_path)
    context.load_cert_chain(stranger.client, stranger.client_key)

    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        echoed(secure.port, context)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(secure: Receiver, certificates: Certificates):
    """TLS 1.1 is not spoken, by a peer that would; 1.2 is."""
    context = client(certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    echoed(secure.port, context)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises((ssl.SSLError, ConnectionError)):
        echoed(secure.port, context)


def test_silent_clients_block_nobody(secure: Receiver, certificates: Certificates):
    """Clients that connect and say nothing, or stop in the handshake, do not keep a modality from its echo."""
    silent = [socket.create_connection((HOST, secure.port)) for _ in range(10)]
    try:
        for sock in silent[:5]:
            sock.sendall(b"\x16\x03\x01")
        start = time.monotonic()

        echoed(secure.port, client(certificates))

        assert time.monotonic() - start < SOON_S
    finally:
        for sock in silent:
            sock.close()


def test_handshake_has_one_deadline(start_receiver: Callable[..., Receiver], own: Files):
    """Who sends its handshake byte by byte is cut when the time of an association request is over."""
    receiver = start_receiver(limits=TO_BEGIN, tls=ServerTls(own, "dicom").context)
    start = time.monotonic()

    with RawPeer(receiver.port) as peer:
        drip(peer, b"\x16\x03\x01\x02\x00" + bytes(500))  # a record of 512 bytes, begun

    assert time.monotonic() - start < SOON_S


@ASSOCIATED
def test_silence_after_the_handshake_is_cut(
    associated: bool,
    limits: Limits,
    start_receiver: Callable[..., Receiver],
    own: Files,
    certificates: Certificates,
):
    """Over TLS the deadlines of requests and PDUs hold as well."""
    receiver = start_receiver(limits=limits, tls=ServerTls(own, "dicom").context)
    with SecurePeer(receiver.port, client(certificates)) as peer:
        if associated:
            peer.associate()

        assert ends(peer, within_s=SOON_S) in ([ABORT], [])


def test_certificate_is_exchanged_while_running(
    secure: Receiver, certificates: Certificates, own: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """New connections see a new certificate; a pair that does not fit leaves the old one and is said in the log."""
    other = made_in(tmp_path)
    before, after = (ssl.PEM_cert_to_DER_cert(path.read_text()) for path in (certificates.server, other.server))
    trusting = client(certificates)
    trusting.load_verify_locations(other.authority)
    assert echoed(secure.port, trusting) == before

    replace(own.certificate, other.server)
    assert echoed(secure.port, trusting) == before
    assert "new certificate cannot be used" in caplog.text
    assert own.key is not None
    replace(own.key, other.server_key)
    assert echoed(secure.port, trusting) == after

    own.key.unlink()
    assert echoed(secure.port, trusting) == after


def test_authority_that_is_gone_admits_nobody(secure: Receiver, certificates: Certificates, own: Files, tmp_path: Path):
    """When the authorities are exchanged, who was certified by the old one is refused, session or not."""
    context = client(certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with SecurePeer(secure.port, context) as peer:
        peer.associate()
        session = peer._sock.session
        assert peer.release() == RELEASE_RP
    assert own.clients is not None
    replace(own.clients, made_in(tmp_path).authority)

    with pytest.raises((ssl.SSLError, ConnectionError)), socket.create_connection((HOST, secure.port)) as sock:
        context.wrap_socket(sock, server_hostname=HOST, session=session).recv(1)


def replace(path: Path, by: Path) -> None:
    """Put a file in a file's place, as certbot and Kubernetes do."""
    new = path.with_suffix(".new")
    shutil.copy(by, new)
    new.replace(path)


def test_title_is_bound_to_a_certificate(
    start_receiver: Callable[..., Receiver], own: Files, certificates: Certificates
):
    """Where a peer has a certificate's name, another's certificate does not open an association under its title."""
    here = (ip_network(HOST),)
    peers = (
        Peer(ae_title="CT1", networks=here, certificate_name="client"),
        Peer(ae_title="CT2", networks=here, certificate_name="somebody else"),
    )
    receiver = start_receiver(limits=PATIENT, peers=peers, tls=ServerTls(own, "dicom").context)
    answers = []
    for calling in ("CT1", "CT2"):
        with SecurePeer(receiver.port, client(certificates)) as peer:
            peer.send(request(calling=calling))
            answers.append(peer.receive()[0])

    assert answers == [ASSOCIATE_AC, ASSOCIATE_RJ]
    assert [facts[0] for facts in receiver.rejected] == ["CT2"]
