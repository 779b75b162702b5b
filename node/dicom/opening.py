"""Opening an association, and saying in words why there is none."""

import socket
import ssl
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import DimseServiceType
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation

from node.dicom.outgoing import Form
from node.errors import UnreachableError
from node.process.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

NOT_TRUSTED, REJECTED = "not_trusted", "rejected"
REJECTIONS = {
    (1, 3): "it does not know our AE title {ours!r}: enter it there",
    (1, 7): "it does not go by the AE title {theirs!r}: correct ae_title",
    (3, 1): "it is busy",
    (3, 2): "it has too many associations",
}
"""Source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21) and what to do about it."""
MAX_PDU_BYTES = 16382
"""What a peer may send us on an association of ours: responses, and now and then a commitment report."""
ALERT_WAIT_S = 1.0
"""How long a peer may take to refuse our certificate, which with TLS 1.3 it does after the handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A peer that takes associations.

    `timeout_s` bounds its connection and each of its answers. With `tls` the connection is encrypted; `server_name` is
    what its certificate must name if that is not `host`.
    """

    name: str
    ae_title: str
    host: str
    port: int
    timeout_s: float = 30.0
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


def associate(
    address: Address,
    calling_ae: str,
    proposals: Iterable[Form],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[EventHandlerType] = (),
) -> Association:
    """Open an association; it may be one on which nothing was accepted.

    Raises:
        UnreachableError: there is none, and why.
    """
    ae = AE(ae_title=calling_ae)
    ae.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.maximum_pdu_size = MAX_PDU_BYTES
    ae.connection_timeout = ae.acse_timeout = address.timeout_s
    ae.dimse_timeout = ae.network_timeout = address.timeout_s
    for sop_class_uid, transfer_syntax_uid in proposals:
        ae.add_requested_context(UID(sop_class_uid), UID(transfer_syntax_uid))
    try:
        assoc = ae.associate(
            address.host,
            address.port,
            ae_title=address.ae_title,
            ext_neg=list(roles),
            tls_args=None if address.tls is None else (address.tls, address.server_name or address.host),
            evt_handlers=[(evt.EVT_CONN_OPEN, _bound_sending, [address.timeout_s]), *handlers],
        )
    except OSError as error:
        raise UnreachableError(f"{address.name}: the name of its host leads to no address") from error
    if assoc.is_rejected:
        raise _rejected(address, calling_ae, assoc)
    if not assoc.is_established and not assoc.rejected_contexts:
        raise _diagnosed(address)
    _hand_answers_over(assoc)
    return assoc


def _hand_answers_over(assoc: Association) -> None:
    """Put an answer back that pynetdicom's own thread took from the queue before whoever waits for it.

    That thread is held up at a checkpoint while somebody waits, but may just have passed it (pynetdicom 3.0). What it
    takes then and cannot serve it drops, and whoever waits does so until the time is up.
    """
    serve = assoc._serve_request

    def hand_over(msg: DimseServiceType, context_id: int) -> None:
        somebody_waits = not assoc._reactor_checkpoint.is_set()
        if somebody_waits and not msg.is_valid_request:
            assoc.dimse.msg_queue.put((context_id, msg))
        else:
            serve(msg, context_id)

    assoc._serve_request = hand_over  # type: ignore[method-assign]


def _bound_sending(event: Event, timeout_s: float) -> None:
    """Let no write to the connection take longer: pynetdicom's own timeouts bound what is read alone."""
    whole_s, rest_s = divmod(timeout_s, 1)
    bound = struct.pack("@ll", int(whole_s), int(rest_s * 1e6))  # a timeval, socket(7)
    connection = event.assoc.dul.socket
    if connection is not None and connection.socket is not None:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, bound)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _rejected(address: Address, calling_ae: str, assoc: Association) -> UnreachableError:
    answer = assoc.acceptor.primitive
    words = ""
    if answer is not None and answer.result_source is not None and answer.diagnostic is not None:
        words = REJECTIONS.get((answer.result_source, answer.diagnostic), "")
    words = words.format(ours=calling_ae, theirs=address.ae_title)
    said = f"{address.name} rejected the association"
    return UnreachableError(f"{said}: {words}" if words else said, REJECTED)


def _diagnosed(address: Address) -> UnreachableError:
    """What went wrong below DICOM: pynetdicom keeps that to itself, so the connection is tried once more."""
    silent = UnreachableError(f"{address.name} does not answer")
    try:
        with socket.create_connection((address.host, address.port), timeout=min(address.timeout_s, 5.0)) as plain:
            if address.tls is None:
                return UnreachableError(f"{address.name} takes connections and gives no DICOM answer")
            with address.tls.wrap_socket(plain, server_hostname=address.server_name or address.host) as secure:
                secure.settimeout(ALERT_WAIT_S)
                secure.recv(1)
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        return UnreachableError(
            f"{address.name} is not trusted, its certificate does not stand up ({reason}): "
            "correct tls.ca or tls.server_name, or the certificate there",
            NOT_TRUSTED,
        )
    except ssl.SSLError as error:
        return UnreachableError(
            f"{address.name} and we agree on no TLS ({error.reason or 'no answer'}): "
            "give it tls.certificate and tls.key, or look whether it speaks TLS on this port",
            NOT_TRUSTED,
        )
    except OSError:
        return silent
    return silent
