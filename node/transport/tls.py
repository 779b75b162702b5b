"""TLS, 1.2 or newer: of connections that the node opens, and of its ports, whose certificates are exchanged as it runs.

Theory of operation. The context that a port is given never changes and has no certificate. When a ClientHello arrives,
OpenSSL asks it which context the handshake shall go on with (the place where a server of many names chooses one): that
is the one made of the files as they are now. Files that cannot be used leave the one before in force. No session is
resumed, so that nobody who was certified by an authority that is gone comes in by an old handshake.
"""

import logging
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from node.errors import SettingsError
from node.sections.section import TlsSettings

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]
"""Inode, size and time of change of each file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """PEM files: our certificate chain, its key if not in the same file, and whom clients must be certified by."""

    certificate: Path
    key: Path | None = None
    clients: Path | None = None


class ServerTls:
    """The TLS of a port.

    Args:
        files: read now, and again whenever they have changed.
        port: what the settings call it, for the log: "dicom", "hl7".

    Raises:
        SettingsError: the files cannot be used.
    """

    def __init__(self, files: Files, port: str) -> None:
        self._files = files
        self._port = port
        self._lock = threading.Lock()
        try:
            self._seen = _stamp(files)
            self._current = _context(files)
        except (OSError, ssl.SSLError) as error:
            words = "tls_certificate, tls_key or tls_clients cannot be used; give PEM files"
            raise SettingsError(f"{port}.{words}") from error
        self.context = _bare(files)
        """For `wrap_socket` or asyncio; the same as long as the node runs."""
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        with self._lock:
            self._exchange()
            connection.context = self._current

    def _exchange(self) -> None:
        """Take changed files; a pair that does not fit is looked at again when one of the files changes again."""
        fields = {"port": self._port}
        try:
            stamp = _stamp(self._files)
            if stamp == self._seen:
                return
            self._seen = stamp
            self._current = _context(self._files)
        except (OSError, ssl.SSLError) as error:
            log.error(  # noqa: TRY400 - where it happened is known; what is wrong is said
                "new certificate cannot be used, the one before stays",
                extra={"fields": fields | {"error": type(error).__name__}},
            )
        else:
            log.info("certificate exchanged", extra={"fields": fields})


def _bare(files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # a library may be built to allow older ones
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    if files.clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _context(files: Files) -> ssl.SSLContext:
    context = _bare(files)
    # Without a password of our own OpenSSL would ask for one at the terminal.
    context.load_cert_chain(files.certificate, files.key, password="")
    if files.clients is not None:
        context.load_verify_locations(files.clients)
    return context


def _stamp(files: Files) -> Stamp:
    there = [path.stat() for path in (files.certificate, files.key, files.clients) if path is not None]
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in there)


def client_tls(settings: TlsSettings, whose: str) -> ssl.SSLContext:
    """How to encrypt a connection that we open: TLS 1.2 or newer, the other side's certificate always checked.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    password = settings.key_password.get_secret_value() if settings.key_password else ""
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=settings.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # a library may be built to allow older ones
        if settings.certificate is not None:
            # A password is always given: without one OpenSSL would ask for it on the terminal.
            context.load_cert_chain(settings.certificate, settings.key, password)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{whose}: tls.ca, tls.certificate or tls.key cannot be used; give PEM files") from error
    return context


def names_in(certificate: Mapping[str, object]) -> frozenset[str]:
    """Whom a checked certificate is of: its common names and alternative names (RFC 5280 4.1.2.6, 4.2.1.6).

    Args:
        certificate: as `ssl.SSLSocket.getpeercert` gives it; empty where the peer showed none.
    """
    subject = certificate.get("subject", ())
    alternatives = certificate.get("subjectAltName", ())
    pairs = [pair for part in subject for pair in part] if isinstance(subject, tuple) else []
    common = [value for name, value in pairs if name == "commonName"]
    others = [value for _, value in alternatives if isinstance(value, str)] if isinstance(alternatives, tuple) else []
    return frozenset([*common, *others])
