"""The servers that receive, as rows of a table, and the one kind of sender that all of them get.

A row of `TARGETS` is a name and a function that starts a fresh server on an empty folder; another one plugs in there.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.peers.orthanc import Orthanc
from tests.peers.processes import HOST, Peer, free_port, listens

ROOT = Path(__file__).parent.parent.parent
DCMTK = Path("/usr/bin")
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A receiver that is up: its name and port, its process, and how to end it at once."""

    ae_title: str
    port: int
    pid: int
    kill: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A row of the comparison: `there` says whether it can be started, `start` returns when its port is open."""

    name: str
    there: Callable[[], bool]
    start: Callable[[Path], Server]


def _start_node(folder: Path, receivers: int = 1) -> Server:
    command: list[str | Path] = [sys.executable, "-m", "node", "serve", "--data", folder / "data", "--host", HOST]
    port = free_port()
    ports = ["--dicom-port", str(port), "--hl7-port", str(free_port()), "--console-port", str(free_port())]
    settings = folder / "node.toml"
    settings.write_text(f"[dicom]\nprocesses = {receivers}\n")
    options = ["--config", settings, *ports]
    return _start_program([*command, *options], ae_title="CXRNODE", port=port, log=folder / "node.log")


def _start_orthanc(folder: Path) -> Server:
    orthanc = Orthanc(folder)
    return Server(ae_title=orthanc.ae_title, port=orthanc.port, pid=orthanc.pid, kill=orthanc.kill)


def _start_storescp(folder: Path) -> Server:
    storage = folder / "storage"
    storage.mkdir()
    port = free_port()
    command: list[str | Path] = [DCMTK / "storescp", "--fork", "-aet", "STORESCP", "-od", storage, str(port)]
    return _start_program(command, ae_title="STORESCP", port=port, log=folder / "storescp.log")


def _start_pynetdicom(folder: Path) -> Server:
    storage = folder / "storage"
    storage.mkdir()
    port = free_port()
    command: list[str | Path] = [sys.executable, "-m", "pynetdicom", "storescp", str(port), "-od", storage]
    return _start_program([*command, "-aet", "PYNETDICOM"], ae_title="PYNETDICOM", port=port, log=folder / "scp.log")


def _start_program(command: Sequence[str | Path], *, ae_title: str, port: int, log: Path) -> Server:
    peer = Peer(command, ready=lambda: listens(port), log=log)
    peer.start(timeout_s=60)
    return Server(ae_title=ae_title, port=port, pid=peer.pid, kill=peer.kill)


TARGETS = (
    Target(name="cxr serve", there=(ROOT / "node" / "__main__.py").exists, start=_start_node),
    Target(name="2 receivers", there=(ROOT / "node" / "__main__.py").exists, start=partial(_start_node, receivers=2)),
    Target(name="Orthanc", there=Path("/usr/sbin/Orthanc").exists, start=_start_orthanc),
    Target(name="storescp", there=(DCMTK / "storescp").exists, start=_start_storescp),
)

PYNETDICOM = Target(name="pynetdicom", there=lambda: True, start=_start_pynetdicom)
"""What a program in Python is without a receiver of its own."""


def make_objects(folder: Path, *, count: int, side: int, associations: int) -> list[Path]:
    """Write Computed Radiography objects, explicit VR little endian, a study and a folder for each association.

    Args:
        folder: where to make the folders.
        count: objects in all.
        side: rows and columns; an object has 2 * side * side bytes of pixels.
        associations: folders to share them out to.

    Returns:
        The folders.
    """
    folders = []
    for number in range(associations):
        place = folder / str(number)
        place.mkdir(parents=True)
        template = _radiograph(side)
        uid = str(template.SOPInstanceUID)
        buffer = BytesIO()
        template.save_as(buffer, enforce_file_format=True)
        for index in range(count // associations):
            other = f"{uid[:-6]}{index:06d}"
            (place / f"{index}.dcm").write_bytes(_renamed(buffer.getvalue(), uid, other))
        folders.append(place)
    return folders


def _renamed(file: bytes, uid: str, other: str) -> bytes:
    """The file under another SOP Instance UID of the same length, which stands twice in its first kilobyte."""
    return file[:2048].replace(uid.encode(), other.encode()) + file[2048:]


def _radiograph(side: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, preamble=bytes(128), file_meta=meta)
    ds.SOPClassUID = ComputedRadiographyImageStorage
    ds.SOPInstanceUID = f"{generate_uid()[:50]}.1000000"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.PatientID, ds.Modality = "BENCH^RECEPTION", "CXR-BENCH", "CR"
    ds.BodyPartExamined, ds.ViewPosition = "HAND", "PA"
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.StudyID = ""
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.Rows = ds.Columns = side
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelData = np.random.default_rng(0).integers(0, 4096, side * side, "<u2").tobytes()
    return ds


def send(server: Server, folders: Sequence[Path]) -> float:
    """Send each folder by one storescu over one association, all at once; the seconds until the last is done.

    Raises:
        RuntimeError: a store was not answered with success.
    """
    options = ["-q", "-R", "+sd", "-aec", server.ae_title, HOST, str(server.port)]
    begin = time.perf_counter()
    senders = [
        subprocess.Popen(
            [str(DCMTK / "storescu"), *options, str(folder)],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for folder in folders
    ]
    try:
        outputs = [sender.communicate(timeout=TIMEOUT_S)[0] for sender in senders]
    finally:
        for sender in senders:
            if sender.poll() is None:
                sender.kill()
                sender.wait()
    seconds = time.perf_counter() - begin
    for sender, output in zip(senders, outputs, strict=True):
        if sender.returncode != 0:
            raise RuntimeError(f"storescu ended with {sender.returncode}: {output.decode(errors='replace')[-500:]}")
    return seconds


def wait_for_echo(server: Server) -> None:
    """C-ECHO until it is answered."""
    command = [str(DCMTK / "echoscu"), "-q", "-to", "5", "-aec", server.ae_title, HOST, str(server.port)]
    end = time.monotonic() + TIMEOUT_S
    while subprocess.run(command, env=ENVIRONMENT, check=False, capture_output=True).returncode != 0:
        if time.monotonic() > end:
            raise TimeoutError(f"{server.ae_title} answers no C-ECHO")
        time.sleep(0.02)


class Memory:
    """Resident memory of a server and the processes that it forks, in MB (10^6 bytes), from /proc.

    The server's own peak is the kernel's (VmHWM, reset by `baseline`); of its children only what is not shared
    counts, as sampled.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = 0.0
        self._children = 0.0

    def baseline(self) -> float:
        """Forget the peak until now; what the server holds."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")
        self._before = _status_mb(self._pid, "VmRSS")
        return self._before

    def sample(self) -> None:
        """Look at the children once."""
        tasks = Path(f"/proc/{self._pid}/task").glob("*/children")
        pids = [int(pid) for task in tasks for pid in task.read_text().split()]
        held = 0.0
        for pid in pids:
            with contextlib.suppress(OSError):
                held += _status_mb(pid, "RssAnon")
        self._children = max(self._children, held)

    def growth(self) -> float:
        """The peak since the baseline, over the baseline."""
        return _status_mb(self._pid, "VmHWM") - self._before + self._children


def _status_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
