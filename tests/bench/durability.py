"""What a receiver has made durable before it says so: its system calls, as strace sees them from outside."""

import re
import subprocess
import tempfile
from pathlib import Path

from tests.bench.kills import laterals
from tests.bench.peers import Server, Target, wait_for_echo
from tests.node.dicom.raw import RawPeer
from tests.peers.processes import require

SYNC = re.compile(r"\b(?:fsync|fdatasync)\(\d+<([^>]*)>")
DATABASE = re.compile(r"/(?:cxr\.db|index)(?:-\w+)?$")
"""The node's, and Orthanc's."""


def synced_before_answer(target: Target, scratch: Path) -> list[str]:
    """What it synchronises before it acknowledges one object, in that order: object, folder, rows.

    Raises:
        RuntimeError: strace may not look at other processes here.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        server = target.start(Path(folder))
        try:
            wait_for_echo(server)
            paths = SYNC.findall(_traced_store(server, scratch / "trace"))
            return list(dict.fromkeys(_kind(path) for path in paths))
        finally:
            server.kill()


def _kind(path: str) -> str:
    if DATABASE.search(path):
        return "rows"
    return "folder" if Path(path).is_dir() else "object"


def _traced_store(server: Server, trace: Path) -> str:
    """strace's lines when the answer to one object is there; whoever answered was held for each of them."""
    strace = require("strace", Path("/usr/bin/strace"))
    command = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", trace, "-p", str(server.pid)]
    (image,) = laterals(1)
    with subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True) as tracer:
        try:
            assert tracer.stderr is not None
            said = tracer.stderr.readline()
            if "attached" not in said:
                raise RuntimeError(f"strace cannot attach: {said.strip()}")
            with RawPeer(server.port) as peer:
                peer.associate(called=server.ae_title)
                peer.send(image.head, image.tail)
                assert peer.status() == 0
                return trace.read_text(errors="replace")
        finally:
            tracer.terminate()
