"""Orthanc as the PACS: a real one for each test, in the test's own folder, with DICOMweb."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.peers.processes import HOST, Peer, free_port, require, wait_until

DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One instance as Orthanc lists it."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    modality: str


class Orthanc:
    """A running Orthanc, and the questions that tests ask it.

    It accepts every SOP Class and caller. Its storage outlives `stop`, `kill` and `start`.
    """

    ae_title = "ORTHANC"
    host = HOST

    def __init__(self, folder: Path, *, settings: dict[str, Any] | None = None) -> None:
        program = require("Orthanc", Path("/usr/sbin/Orthanc"))
        require("Orthanc's DICOMweb", DICOMWEB)
        self.http_port = free_port()
        self.port = free_port()
        self.url = f"http://{HOST}:{self.http_port}"
        self.dicomweb_url = f"{self.url}/dicom-web"
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "orthanc.json"
        configuration.write_text(json.dumps({**self._settings(folder / "storage"), **(settings or {})}))
        self._peer = Peer([program, configuration], ready=self.is_up, log=folder / "orthanc.log")
        self.start()

    def _settings(self, storage: Path) -> dict[str, Any]:
        return {
            "Name": "cxr-node tests",
            "StorageDirectory": str(storage),
            "IndexDirectory": str(storage),
            "HttpPort": self.http_port,
            "DicomPort": self.port,
            "DicomAet": self.ae_title,
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "DicomAlwaysAllowStore": True,
            "UnknownSopClassAccepted": True,
            "Plugins": [str(DICOMWEB)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        return self._peer.pid

    def start(self) -> None:
        """Start it (again), on the same ports and storage."""
        self._peer.start()

    def stop(self) -> None:
        """Stop it in good order; that takes Orthanc some seconds."""
        self._peer.stop()

    def kill(self) -> None:
        """Stop it at once, as a power cut would."""
        self._peer.kill()

    def is_up(self) -> bool:
        """Whether its REST API answers."""
        try:
            self.get_bytes("/system")
        except OSError:
            return False
        return True

    def get_bytes(self, path: str) -> bytes:
        """GET of the REST API, as bytes."""
        return self._request("GET", path)

    def get(self, path: str) -> Any:
        """GET of the REST API, as JSON."""
        return json.loads(self.get_bytes(path))

    def put(self, path: str, body: Any) -> None:
        """PUT of JSON to the REST API."""
        self._request("PUT", path, json.dumps(body).encode())

    def post(self, path: str, body: Any) -> Any:
        """POST of JSON (or of bytes as they are) to the REST API."""
        return json.loads(self._request("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode()))

    def delete(self, path: str) -> None:
        """DELETE of the REST API."""
        self._request("DELETE", path)

    def add_modality(self, name: str, *, ae_title: str, port: int, host: str = HOST, **options: Any) -> None:
        """Let Orthanc know a DICOM peer, while it runs; options as in its `DicomModalities`."""
        self.put(f"/modalities/{name}", {"AET": ae_title, "Host": host, "Port": port, **options})

    def remove_modality(self, name: str) -> None:
        """Let Orthanc forget a DICOM peer."""
        self.delete(f"/modalities/{name}")

    def studies(self) -> list[str]:
        """The Study Instance UIDs that it stores."""
        return [study["MainDicomTags"]["StudyInstanceUID"] for study in self.get("/studies?expand")]

    def instances(self, study_instance_uid: str | None = None) -> list[Stored]:
        """What it stores, of one study or of all, by QIDO-RS (DICOM PS3.18 section 10.6)."""
        study = "" if study_instance_uid is None else f"/studies/{study_instance_uid}"
        found = json.loads(self.get_bytes(f"/dicom-web{study}/instances") or b"[]")
        return [
            Stored(
                study_instance_uid=_text(tags, "0020000D") or study_instance_uid or "",
                series_instance_uid=_text(tags, "0020000E"),
                sop_instance_uid=_text(tags, "00080018"),
                sop_class_uid=_text(tags, "00080016"),
                modality=_text(tags, "00080060"),
            )
            for tags in found
        ]

    def wait_for_instances(
        self, count: int, *, study_instance_uid: str | None = None, timeout_s: float = 60
    ) -> list[Stored]:
        """Wait until it stores at least `count` instances, of one study or of all, and list them."""
        wait_until(
            lambda: self._count(study_instance_uid) >= count,
            timeout_s=timeout_s,
            what=f"Orthanc has fewer than {count} instances",
        )
        return self.instances(study_instance_uid)

    def file(self, sop_instance_uid: str) -> bytes:
        """One instance as the DICOM file that Orthanc keeps."""
        (name,) = self._lookup(sop_instance_uid, "Instance")
        return self.get_bytes(f"/instances/{name}/file")

    def dataset(self, sop_instance_uid: str) -> pydicom.FileDataset:
        """One instance, read."""
        return pydicom.dcmread(BytesIO(self.file(sop_instance_uid)))

    def send(self, modality: str, sop_instance_uid: str) -> None:
        """C-STORE one of its instances to a modality that it knows, and wait for the end."""
        self.post(f"/modalities/{modality}/store", self._lookup(sop_instance_uid, "Instance"))

    def orthanc_id(self, sop_instance_uid: str) -> str:
        """What Orthanc calls an instance."""
        (name,) = self._lookup(sop_instance_uid, "Instance")
        return name

    def _count(self, study_instance_uid: str | None) -> int:
        if study_instance_uid is None:
            count: int = self.get("/statistics")["CountInstances"]
            return count
        return sum(
            self.get(f"/studies/{name}/statistics")["CountInstances"]
            for name in self._lookup(study_instance_uid, "Study")
        )

    def _lookup(self, uid: str, level: str) -> list[str]:
        found = self.post("/tools/lookup", uid.encode())
        return [entry["ID"] for entry in found if entry["Type"] == level]

    def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, data=body, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
            return content


def _text(tags: dict[str, Any], tag: str) -> str:
    values = tags.get(tag, {}).get("Value") or [""]
    return str(values[0])


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """An empty Orthanc (it is up in about 0.2 s)."""
    server = Orthanc(tmp_path / "orthanc")
    yield server
    server.kill()
