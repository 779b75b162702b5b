"""What the node provides: C-ECHO, C-STORE, and both roles of storage commitment (DICOM PS3.4 annexes A, B and J).

One thread accepts connections and never waits for a peer; each association has a thread of its own.
"""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pydicom.uid import UID
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # pynetdicom makes these at import

from db.errors import DatabaseError
from node.dicom import acceptance, command, commitment
from node.dicom.acceptance import TOO_MANY, Acceptance
from node.dicom.association import Association, Limits, Message
from node.dicom.caller import Caller
from node.dicom.commitment import Commitment
from node.dicom.commitment_scp import CommitmentScp
from node.dicom.places import Places
from node.errors import OUT_OF_RESOURCES, PeerClosedError, PeerError, RefusedError
from node.file_meta import Origin
from node.header import is_uid
from node.intake import Intake
from node.process.descriptors import leave_low
from node.telemetry.observer import Observer
from node.transport.tls import names_in

log = logging.getLogger(__name__)

BACKLOG = 512
"""Connections the kernel holds before they are accepted; with the usual 5, half of 100 at once time out."""

LINGER_S = 1.0
"""How long a peer may go on talking after our last word."""

OnReject = Callable[[str, str, str], None]
"""Called with calling AE title, address and reason when a caller is turned away."""


class Scp:
    """A listening port.

    Args:
        acceptance: who may call.
        intake: where instances go.
        moved: where those go that come because of our own C-MOVE (PS3.7 9.1.1.1.8); without it, as the others.
        on_reject: told of each refused association.
        commitment: what is done about storage commitment; without it that is refused.
        tls: for DICOM over TLS (PS3.15 B.9).
        observer: watches associations and stores.
        max_associations: in all, and `max_per_address` from one address; the next one is rejected.
        shared: whether other processes listen on the same port.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        acceptance: Acceptance,
        intake: Intake,
        on_reject: OnReject,
        moved: Intake | None = None,
        commitment: Commitment | None = None,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        max_associations: int = 200,
        max_per_address: int = 100,
        shared: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self._acceptance = acceptance
        self._intake = intake
        self._moved = moved
        self._on_reject = on_reject
        self._commitment = None if commitment is None else CommitmentScp(commitment)
        self._limits = limits or Limits()
        self._tls = tls
        self._observer = observer or Observer()
        self._places = Places(max_associations, max_per_address)
        self._stopping = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="scp", daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self, grace_s: float = 5.0) -> None:
        """Close the port, give open associations `grace_s` to finish, then cut them."""
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        threads = [thread for thread in threading.enumerate() if thread.name.startswith(f"association:{self.port}:")]
        for thread in threads:
            thread.join(grace_s / max(len(threads), 1))
        self._places.cut()
        for thread in threads:
            thread.join()

    def _accept(self) -> None:
        number = 0
        while not self._stopping.is_set():
            try:
                sock, address = self._listener.accept()
            except OSError:
                if not self._stopping.is_set():
                    log.exception("accept failed")
                    self._stopping.wait(0.1)  # out of descriptors: let some associations end
                continue
            number += 1
            sock = leave_low(sock)
            if not self._places.connect(number, sock, address[0]):
                sock.close()
                continue
            name = f"association:{self.port}:{number}"
            threading.Thread(target=self._run, args=(number, sock, address[0]), name=name, daemon=True).start()

    def _run(self, number: int, sock: socket.socket, address: str) -> None:
        try:
            sock, names = self._secured(number, sock)
            assoc = Association(sock, self._limits)
            try:
                with self._observer.association(threading.current_thread().name):
                    self._associate(assoc, number, address, names)
            except PeerClosedError as error:
                log.info("association closed", extra={"fields": {"address": address, "reason": str(error)}})
            except PeerError as error:
                log.warning("association aborted", extra={"fields": {"address": address, "reason": str(error)}})
                with suppress(PeerClosedError):
                    assoc.abort()
            except DatabaseError:
                log.exception("association ended without its database")
            except Exception:
                log.exception("association ended by a fault", extra={"fields": {"address": address}})
                with suppress(PeerClosedError):
                    assoc.abort()
        except OSError as error:
            fields = {"address": address, "reason": getattr(error, "reason", None) or type(error).__name__}
            log.warning("connection ended before an association", extra={"fields": fields})
        finally:
            self._places.leave(number)
            _close(sock)

    def _secured(self, number: int, sock: socket.socket) -> tuple[socket.socket, frozenset[str]]:
        """The connection after the TLS handshake, if there is to be one, and the names in the peer's certificate.

        Raises:
            OSError: the handshake failed, or took longer than an association request may.
        """
        if self._tls is None:
            return sock, frozenset()
        sock.settimeout(self._limits.request_s)  # for the whole of the handshake
        secure = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self._places.replace(number, secure)
        try:
            secure.do_handshake()
        except OSError:
            secure.close()
            raise
        return secure, names_in(secure.getpeercert() or {})

    def _associate(self, assoc: Association, number: int, address: str, names: frozenset[str]) -> None:
        request = assoc.request()
        calling_ae = request.calling_ae_title.strip()
        rejection = self._acceptance.refuse(request, address, names)
        if rejection is None and not self._places.associate(number, address):
            rejection = TOO_MANY
        if rejection is not None:
            self._observer.metrics.rejected.labels(rejection.words).inc()
            try:
                self._on_reject(calling_ae, address, rejection.words)
            except DatabaseError:
                log.exception("rejection not audited")
            assoc.reject(rejection.result, rejection.source, rejection.reason)
            return
        self._observer.metrics.associations.inc()
        negotiated = acceptance.negotiate(request)
        _log_refused_contexts(negotiated.contexts, calling_ae)
        assoc.accept(acceptance.answer(request, negotiated, self._limits.max_pdu_bytes))
        accepted = {context.context_id: context for context in negotiated.contexts if context.result == 0}
        caller = Caller(ae_title=calling_ae, address=address, contexts=accepted)
        try:
            while (message := assoc.receive()) is not None:
                answer = self._serve(message, caller)
                for _ in message.fragments:  # what a refusal left unread
                    pass
                if answer is not None:
                    assoc.respond(message, *answer)
                if caller.reports and self._commitment is not None:
                    self._commitment.report(assoc, message.context_id, caller)
        finally:
            self._intake.released(caller.studies)

    def _serve(self, message: Message, caller: Caller) -> tuple[int, str] | None:
        """One message to its status and comment; None where nothing is to be answered."""
        context = caller.contexts.get(message.context_id)
        if context is None:
            raise PeerError("a message on a presentation context that was not accepted")
        request = message.command
        if request.field == command.C_ECHO_RQ and context.abstract_syntax == Verification:
            return command.SUCCESS, ""
        if request.field != command.C_STORE_RQ:
            return self._serve_other(message, caller, context)
        if not request.has_data_set or request.sop_class_uid != context.abstract_syntax:
            return command.SOP_CLASS_NOT_SUPPORTED, "The SOP Class is not that of the presentation context"
        return self._observer.store(lambda: self._store(message, _only(context.transfer_syntax), caller))

    def _serve_other(self, message: Message, caller: Caller, context: PresentationContext) -> tuple[int, str] | None:
        if message.command.field == command.C_CANCEL_RQ:
            return None
        if self._commitment is not None and context.abstract_syntax == commitment.SOP_CLASS:
            return self._commitment.serve(message, caller, UID(_only(context.transfer_syntax)))
        return command.UNRECOGNIZED_OPERATION, "Only C-ECHO, C-STORE and storage commitment are served here"

    def _store(self, message: Message, transfer_syntax_uid: str, caller: Caller) -> tuple[int, str, str | None]:
        """The C-STORE door: past it goes no exception but a broken association's.

        Returns:
            Status, comment, and the Study Instance UID of what was taken.
        """
        origin = Origin(
            sop_class_uid=message.command.sop_class_uid,
            sop_instance_uid=message.command.sop_instance_uid,
            transfer_syntax_uid=transfer_syntax_uid,
            calling_ae=caller.ae_title,
            calling_address=caller.address,
        )
        fields = {"calling_ae": caller.ae_title, "sop_instance_uid": _shown(origin.sop_instance_uid)}
        fragments = self._observer.received(message.fragments)
        try:
            if self._moved is not None and message.command.move_originator == self._acceptance.ae_title:
                study = self._moved.receive(fragments, origin)
            else:
                study = self._intake.receive(fragments, origin)
                caller.studies.add(study)
        except PeerError:
            raise
        except RefusedError as error:
            log.warning("refused", extra={"fields": fields | {"status": error.status, "reason": error.comment}})
            return error.status, error.comment, None
        except (OSError, DatabaseError):
            log.exception("out of resources", extra={"fields": fields})
            return OUT_OF_RESOURCES, "Out of resources: not stored, send it again later", None
        except Exception:
            log.exception("fault", extra={"fields": fields})
            return command.PROCESSING_FAILURE, "Not stored: a fault in the node", None
        log.info("stored", extra={"fields": fields})
        return command.SUCCESS, "", study


def _only(items: list[UID]) -> str:
    (item,) = items
    return str(item)


def _shown(uid: str) -> str:
    """A UID for the log; what is none may be anything, a patient's name included."""
    return uid if is_uid(uid) else "(not a UID)"


def _log_refused_contexts(contexts: list[PresentationContext], calling_ae: str) -> None:
    for context in contexts:
        if context.result != 0:
            fields = {
                "calling_ae": calling_ae,
                "sop_class_uid": _shown(str(context.abstract_syntax)),
                "reason": "abstract syntax" if context.result == 3 else "transfer syntaxes",
            }
            log.info("presentation context not supported", extra={"fields": fields})


def _close(sock: socket.socket) -> None:
    """Close so that our last words arrive: a close with unread bytes resets the connection."""
    with suppress(OSError, ssl.SSLError):
        sock.shutdown(socket.SHUT_WR)
        end = time.monotonic() + LINGER_S
        while (left_s := end - time.monotonic()) > 0:
            sock.settimeout(left_s)
            if not sock.recv(65536):
                break
    sock.close()
