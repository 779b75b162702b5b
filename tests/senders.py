"""A modality and a RIS that do not give up: what was not acknowledged is sent again."""

import time
from collections.abc import Callable, Sequence

from tests.node.dicom.raw import Image, RawPeer
from tests.node.hl7.mllp import Client, code, oru

PAUSE_S = 0.02
"""From a lost connection to the next."""


def store_until_acknowledged(
    port: int,
    images: Sequence[Image],
    acknowledged: Callable[[str], None],
    *,
    called: str = "CXRNODE",
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Push images as a modality does: again and again until each has been answered with success, or it is stopped."""
    waiting = list(images)
    while waiting and not stopped():
        try:
            with RawPeer(port) as peer:
                peer.associate(called=called)
                while waiting and not stopped():
                    peer.send(waiting[0].head, waiting[0].tail)
                    if peer.status() != 0:
                        break
                    acknowledged(waiting.pop(0).uid)
                peer.release()
        except (OSError, AssertionError):  # the receiver died; RawPeer asserts what it hears
            time.sleep(PAUSE_S)


def report_until_acknowledged(
    port: int,
    numbers: Sequence[int],
    acknowledged: Callable[[int], None],
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Send reports as a RIS does: each again until it is answered with AA, or it is stopped."""
    waiting = list(numbers)
    while waiting and not stopped():
        try:
            with Client(port) as client:
                while waiting and not stopped():
                    number = waiting[0]
                    if code(client.ask(oru(f"M{number}", accession=f"S{number}"))) != "AA":
                        break
                    acknowledged(waiting.pop(0))
        except (OSError, EOFError):
            time.sleep(PAUSE_S)
