"""The servers that receive, as rows of a table, and the one kind of sender that all of them get.

A row of `TARGETS` is a name and a function that starts a fresh server on an empty folder; another one plugs in there.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from db import studies
from db.engine import connect
from tests.peers.orthanc import Orthanc
from tests.peers.processes import HOST, Peer, children, free_port, listens

ROOT = Path(__file__).parent.parent.parent
DCMTK = Path("/usr/bin")
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A receiver that is up.

    Attributes:
        pid: of the process that listens, when it was started first.
        folder: where it keeps everything.
        kill: ends it at once, with the processes that it has forked.
        start: starts it again after that: same ports, same folder.
        objects: the objects that it says it has, each as a DICOM file.
    """

    ae_title: str
    port: int
    pid: int
    folder: Path
    kill: Callable[[], None]
    start: Callable[[], None] = lambda: None
    objects: Callable[[], Iterator[bytes]] = lambda: iter(())
    hl7_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A row of the comparison: `there` says whether it can be started, `start` returns when its port is open."""

    name: str
    there: Callable[[], bool]
    start: Callable[[Path], Server]


def start_node(folder: Path, settings: str = "") -> Server:
    """`cxr serve` with these settings."""
    command: list[str | Path] = [sys.executable, "-m", "node", "serve", "--data", folder / "data", "--host", HOST]
    port, hl7_port = free_port(), free_port()
    ports = ["--dicom-port", str(port), "--hl7-port", str(hl7_port), "--console-port", str(free_port())]
    config = folder / "node.toml"
    config.write_text(settings)
    server = _start_program([*command, "--config", config, *ports], ae_title="CXRNODE", port=port, folder=folder)
    return replace(server, hl7_port=hl7_port, objects=lambda: _rows_files(folder / "data"))


def _rows_files(data: Path) -> Iterator[bytes]:
    """The file of each row of an instance."""
    database = connect(f"sqlite:///{data / 'cxr.db'}")
    with database.read() as connection:
        paths = [instance.path for instance in studies.instances(connection)]
    database.close()
    return ((data / "store" / path).read_bytes() for path in paths)


def _start_orthanc(folder: Path) -> Server:
    orthanc = Orthanc(folder)
    return Server(
        ae_title=orthanc.ae_title,
        port=orthanc.port,
        pid=orthanc.pid,
        folder=folder,
        kill=orthanc.kill,
        start=orthanc.start,
        objects=lambda: (orthanc.file(each.sop_instance_uid) for each in orthanc.instances()),
    )


def _start_storescp(folder: Path) -> Server:
    return _start_writer(folder, [DCMTK / "storescp", "--fork", "-aet", "STORESCP"], "STORESCP")


def _start_pynetdicom(folder: Path) -> Server:
    return _start_writer(folder, [sys.executable, "-m", "pynetdicom", "storescp", "-aet", "PYNETDICOM"], "PYNETDICOM")


def _start_writer(folder: Path, command: Sequence[str | Path], ae_title: str) -> Server:
    """What writes files into a folder, and has no other memory."""
    storage, port = folder / "storage", free_port()
    storage.mkdir()
    whole = [*command, "-od", storage, str(port)]
    server = _start_program(whole, ae_title=ae_title, port=port, folder=folder)
    return replace(server, objects=lambda: (path.read_bytes() for path in storage.iterdir()))


def _start_program(command: Sequence[str | Path], *, ae_title: str, port: int, folder: Path) -> Server:
    # Beside the folder, whose disk may be full.
    peer = Peer(command, ready=lambda: listens(port), log=folder.with_name(f"{folder.name}.log"))

    def start() -> None:
        peer.start(timeout_s=60)

    def kill() -> None:
        forked = children(peer.pid)
        peer.kill()
        for pid in forked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    start()
    return Server(ae_title=ae_title, port=port, pid=peer.pid, folder=folder, kill=kill, start=start)


def _two_receivers(folder: Path) -> Server:
    return start_node(folder, "[dicom]\nprocesses = 2\n")


TARGETS = (
    Target(name="cxr serve", there=(ROOT / "node" / "__main__.py").exists, start=start_node),
    Target(name="2 receivers", there=(ROOT / "node" / "__main__.py").exists, start=_two_receivers),
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
