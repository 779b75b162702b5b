"""File descriptors: enough of them for what the settings let in, and low ones for who cannot use others."""

import fcntl
import logging
import resource
import socket

log = logging.getLogger(__name__)

LOW = 1024
"""Libraries that wait by `select` fail at this number and above, pynetdicom's sending side among them."""


def provide(wanted: int) -> None:
    """Raise this process's limit to `wanted`, or as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = hard == resource.RLIM_INFINITY
    reachable = wanted if unlimited else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < reachable:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    if not unlimited and hard < wanted:
        log.warning(
            "too few file descriptors for the settings; raise LimitNOFILE or lower dicom.max_associations",
            extra={"fields": {"allowed": hard, "wanted": wanted}},
        )


def leave_low(sock: socket.socket) -> socket.socket:
    """The same connection under a high number, where there is one, so that peers never use up the low ones."""
    try:
        fd = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, LOW)
    except OSError:  # the limit is at LOW or below, or all are taken
        return sock
    with sock:
        return socket.socket(sock.family, sock.type, sock.proto, fileno=fd)
