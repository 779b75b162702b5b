"""oidc-provider, a certified identity provider of npm, with its own pages: who logs in is called what they type."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.processes import Peer, fetched, free_port, listens, require

VERSION = "8.8.1"
NODE = Path("/usr/bin/node")
PROGRAM = Path(__file__).with_suffix(".mjs")


def address() -> tuple[str, int]:
    """What a provider is to call itself, and its port; another site than the node's 127.0.0.1."""
    port = free_port()
    return f"http://localhost:{port}", port


@contextmanager
def running(port: int, *, client_id: str, secret: str, back: str, left: str, log: Path) -> Iterator[None]:
    """The provider, which knows one client with its two ways back: after a login, after a logout."""
    folder = require("oidc-provider", fetched(f"oidc-provider-{VERSION}"))
    command = [require("Node.js", NODE), PROGRAM, folder, str(port), client_id, secret, back, left]
    peer = Peer(command, ready=lambda: listens(port), log=log)
    peer.start()
    try:
        yield
    finally:
        peer.stop()
