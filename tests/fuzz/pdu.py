"""Fuzz what a peer sends on an association: PDUs, the request, command sets (DICOM PS3.8 section 9.3, PS3.7)."""

import socket
from contextlib import suppress
from ipaddress import ip_network

from node.dicom import acceptance
from node.dicom.acceptance import Acceptance, Peer
from node.dicom.association import Association, Limits
from node.errors import PeerError
from tests.node.dicom.raw import CR, DATA, ECHO_RQ, LAST, RELEASE_RQ, Image, pdu, pdv, request

LIMITS = Limits(max_pdu_bytes=8 * 1024, request_s=5, idle_s=5, pdu_s=5, tick_s=1)
LISTENER = socket.create_server(("127.0.0.1", 0))
ACCEPTANCE = Acceptance(ae_title="CXRNODE", peers=(Peer(ae_title="*", networks=(ip_network("127.0.0.1"),)),))


def seeds() -> list[bytes]:
    """Whole associations: an echo, and an image."""
    image = Image()
    small = pdu(DATA, pdv(CR, 3, image.command) + pdv(CR, LAST, image.data[:500]))
    return [request() + ECHO_RQ + pdu(RELEASE_RQ), request() + small + pdu(RELEASE_RQ), request() + ECHO_RQ * 3]


def check(data: bytes) -> None:
    """The association ends in good order or by a PeerError, whatever comes."""
    with socket.create_connection(LISTENER.getsockname()) as theirs:
        ours, _ = LISTENER.accept()
        assoc = Association(ours, LIMITS)
        try:
            theirs.sendall(data)
            theirs.shutdown(socket.SHUT_WR)
            with suppress(PeerError):
                serve(assoc)
        finally:
            assoc.close()


def serve(assoc: Association) -> None:
    """What the SCP does with it, less the storing."""
    request = assoc.request()
    if ACCEPTANCE.refuse(request, "127.0.0.1") is not None:
        assoc.reject(1, 1, 3)
        return
    assoc.accept(acceptance.answer(request, acceptance.negotiate(request), LIMITS.max_pdu_bytes))
    while (message := assoc.receive()) is not None:
        for _ in message.fragments:
            pass
        assoc.respond(message, 0)
