"""kill -9 of a receiver, again and again, while modalities and a RIS send; what is lost of what it acknowledged.

A kill takes nothing from the kernel, so it does not show what a power cut would lose: `durability.py` does.
"""

import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid

from db import reports
from db.engine import connect
from tests.bench.peers import Server, Target, wait_for_echo
from tests.node.dicom.raw import Image
from tests.nodes import chest
from tests.peers.processes import wait_until
from tests.senders import report_until_acknowledged, store_until_acknowledged

SENDERS, KILLS = 8, 20
STUDIES = 20
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Survived:
    """What was there after the kills.

    Attributes:
        acknowledged: instances that were answered with success.
        lost: of these, the ones that are not there whole.
        doubled: objects above one for each instance.
        partial: objects and files that were begun and never ended.
        reports: reports that were answered with AA, of them lost and stored twice.
    """

    acknowledged: int
    lost: int
    doubled: int
    partial: int
    reports: tuple[int, int, int]


def laterals(count: int) -> list[Image]:
    """Images of a few studies, which are stored and not read."""
    studies = [generate_uid() for _ in range(STUDIES)]
    view = {"SOPClassUID": ComputedRadiographyImageStorage, "ViewPosition": "LL", "PatientOrientation": ["P", "F"]}
    return [Image(chest(StudyInstanceUID=studies[number % STUDIES], **view)) for number in range(count)]


def survive(target: Target, images: Sequence[Image], scratch: Path) -> Survived:
    """Kill it while the images are sent; at the last kill the senders stop too, so nothing is sent again after it."""
    stored: list[str] = []
    reported: list[int] = []
    ended = threading.Event()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        server = target.start(Path(folder))
        try:
            wait_for_echo(server)
            senders = _senders(server, images, stored, reported, ended)
            for sender in senders:
                sender.start()
            for number in range(1, KILLS + 1):
                enough = len(images) * number // (KILLS + 1)
                wait_until(
                    lambda enough=enough: len(stored) >= enough,
                    timeout_s=PATIENCE_S,
                    what=f"{target.name} takes nothing",
                )
                if number == KILLS:
                    ended.set()
                server.kill()
                server.start()
            for sender in senders:
                sender.join()
            return _found(server, stored, reported)
        finally:
            ended.set()
            server.kill()


def _senders(
    server: Server, images: Sequence[Image], stored: list[str], reported: list[int], ended: threading.Event
) -> list[threading.Thread]:
    """Modalities, each with its share, and a RIS if the server takes reports."""
    options = {"called": server.ae_title, "stopped": ended.is_set}
    shares = [(server.port, images[number::SENDERS], stored.append) for number in range(SENDERS)]
    senders = [threading.Thread(target=store_until_acknowledged, args=share, kwargs=options) for share in shares]
    if server.hl7_port is not None:
        endless = (server.hl7_port, range(10**6), reported.append)
        senders.append(
            threading.Thread(target=report_until_acknowledged, args=endless, kwargs={"stopped": ended.is_set})
        )
    return senders


def _found(server: Server, stored: Sequence[str], reported: Sequence[int]) -> Survived:
    whole, partial = _whole(server.objects())
    return Survived(
        acknowledged=len(stored),
        lost=len(set(stored) - whole.keys()),
        doubled=whole.total() - len(whole),
        partial=partial + len(list(server.folder.rglob("*.part"))),
        reports=_reports(server, reported) if reported else (0, 0, 0),
    )


def _whole(objects: Iterable[bytes]) -> tuple[Counter[str], int]:
    """How often each instance is there whole, and how many objects are not whole."""
    uids = [_uid_if_whole(data) for data in objects]
    return Counter(uid for uid in uids if uid is not None), uids.count(None)


def _uid_if_whole(data: bytes) -> str | None:
    try:
        ds = pydicom.dcmread(BytesIO(data))
        whole = len(ds.PixelData) == 2 * ds.Rows * ds.Columns
    except (InvalidDicomError, AttributeError, EOFError, OSError, struct.error):
        return None
    return str(ds.SOPInstanceUID) if whole else None


def _reports(server: Server, numbers: Sequence[int]) -> tuple[int, int, int]:
    """Acknowledged, lost, stored twice."""
    database = connect(f"sqlite:///{server.folder / 'data' / 'cxr.db'}")
    with database.read() as connection:
        counts = [reports.count(connection, f"S{number}") for number in numbers]
    database.close()
    return len(numbers), counts.count(0), sum(count > 1 for count in counts)
