"""A disk that is really full while a modality sends: what the receiver answers, and when it takes objects again."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.kills import laterals
from tests.bench.peers import Server, Target, wait_for_echo
from tests.node.dicom.raw import Image, RawPeer
from tests.peers import disk
from tests.peers.processes import wait_until

DISK_MB = 64
OBJECTS = 5
PATIENCE_S = 30.0
SUCCESS = "0x0000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What came of the objects on the full disk (a status, or `abort`), and from room again to the next success."""

    answers: Counter[str]
    resumed_s: float | None


def refused(target: Target, scratch: Path) -> Refused:
    """Fill its disk, send, make room, send until it is taken."""
    with disk.small(scratch / f"small-{target.name.replace(' ', '-')}", DISK_MB) as folder:
        server = target.start(folder)
        try:
            wait_for_echo(server)
            first, *during, last = laterals(OBJECTS + 2)
            if answers(server, [first]) != [SUCCESS]:
                raise RuntimeError(f"{target.name} takes nothing on an empty disk")
            ballast = disk.fill(folder)
            found = Counter(answers(server, during))
            ballast.unlink()
            return Refused(answers=found, resumed_s=_resumed_s(server, last))
        finally:
            server.kill()


def answers(server: Server, images: Sequence[Image]) -> list[str]:
    """What the server says to each, over an association each."""
    found = []
    for image in images:
        try:
            with RawPeer(server.port) as peer:
                peer.associate(called=server.ae_title)
                peer.send(image.head, image.tail)
                found.append(f"0x{peer.status():04X}")
        except (OSError, AssertionError):
            found.append("abort")
    return found


def _resumed_s(server: Server, image: Image) -> float | None:
    began = time.monotonic()
    try:
        wait_until(lambda: answers(server, [image]) == [SUCCESS], timeout_s=PATIENCE_S, what="it does not resume")
    except TimeoutError:
        return None
    return time.monotonic() - began
