"""The other machines of a synthetic department: modalities, a RIS, and how its PACS reads a report."""

import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import pydicom

from node.dicom.opening import Address
from node.errors import NodeError
from node.hl7.framing import END, START, frame
from node.rehearsal import modality
from node.rehearsal.department import ROOMS, SyntheticStudy
from node.rehearsal.message import oru
from node.rehearsal.radiograph import radiograph

HOST = "127.0.0.1"
TIMEOUT_S = 60.0
ALGORITHM_VERSION = "111003"
"""DICOM PS3.16, of TID 4019."""
PRESENT = "52101004"
"""SNOMED CT, as `node.objects` writes it."""


class RehearsalError(NodeError):
    """The rehearsal did not get to its end."""


class Ris:
    """One MLLP connection; messages go one after the other, each acknowledged."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=TIMEOUT_S)
        self._turn = Lock()

    def send(self, message: bytes) -> None:
        """Send a message and wait for AA.

        Raises:
            RehearsalError: the answer is another, or none.
        """
        with self._turn:
            self._socket.sendall(frame(message))
            answer = b""
            while not answer.endswith(END):
                data = self._socket.recv(65536)
                if not data:
                    raise RehearsalError("the node closed the RIS's connection")
                answer += data
        if b"\rMSA|AA|" not in answer.removeprefix(START):
            raise RehearsalError("the node did not accept a report; its log says why")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Modalities:
    """The department's modalities: an association a study, as many at once as there are rooms."""

    ae_title: str
    port: int
    pixels: int
    folder: Path

    def push(self, study: SyntheticStudy) -> None:
        """Draw a study, send it, and forget it.

        Raises:
            RehearsalError: the node did not take it.
        """
        path = self.folder / f"{study.number}.dcm"
        ds = radiograph(study, pixels=self.pixels)
        ds.save_as(path, enforce_file_format=True)
        here = Address(name="the node", ae_title=self.ae_title, host=HOST, port=self.port, timeout_s=TIMEOUT_S)
        answer = modality.push(path, here, ae_title=study.room)
        path.unlink()
        if not answer.stored:
            raise RehearsalError(f"the node did not take a radiograph: {answer.words}")

    def work(self, studies: Iterable[SyntheticStudy], ris: Ris) -> Iterator[None]:
        """Push every study, and after each let the RIS send its report; yields when one of them is sent."""

        def one(study: SyntheticStudy) -> None:
            self.push(study)
            ris.send(oru(study))

        with ThreadPoolExecutor(len(ROOMS)) as rooms:
            yield from rooms.map(one, studies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a Structured Report in the PACS says: which model read, and what it calls present."""

    model_version: str
    present: tuple[str, ...]


def received(path: Path) -> Received:
    """Read the node's report as the PACS has it."""
    versions, present = [], []
    for item in _items(pydicom.dcmread(path)):
        code = item.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in item else ""
        if code == ALGORITHM_VERSION:
            versions.append(str(item.TextValue))
        elif item.get("ConceptCodeSequence") and item.ConceptCodeSequence[0].CodeValue == PRESENT:
            present.append(str(item.ConceptNameCodeSequence[0].CodeMeaning))
    return Received(model_version=versions[0], present=tuple(dict.fromkeys(present)))


def _items(item: pydicom.Dataset) -> Iterable[pydicom.Dataset]:
    for child in item.get("ContentSequence", ()):
        yield child
        yield from _items(child)
