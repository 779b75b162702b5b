"""Patient data stay in the database and the objects: canaries are sent in every way, and looked for everywhere else."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import ComputedRadiographyImageStorage
from typer.testing import CliRunner

from node.__main__ import app
from tests.conftest import ROOT
from tests.node.console.browser import Browser
from tests.node.dicom.raw import ASSOCIATE_RJ, COMMAND, CR, DATA, LAST, Image, RawPeer, command, pdu, pdv, request
from tests.node.hl7.mllp import Client, code, oru
from tests.nodes import chest
from tests.peers.pacs import OUT_OF_RESOURCES, SUCCESS, StorageScp
from tests.peers.processes import wait_until

NAME, PATIENT, ACCESSION, WORD, PLACE = "CANARYNAME", "CANARYID", "CANARYACC", "CANARYTEXT", "CANARYWARD"
BORN = "18881231"
CANARY = re.compile("canary", re.IGNORECASE)
OWN = {
    "PatientName": f"{NAME}^JANE",
    "PatientID": PATIENT,
    "AccessionNumber": ACCESSION,
    "PatientBirthDate": BORN,
    "StudyDescription": WORD,
    "InstitutionName": PLACE,
    "SOPClassUID": ComputedRadiographyImageStorage,
}


class Served:
    """`cxr serve` at its most talkative, in a folder of its own; all that it says is in `log`."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.data = folder / "data"
        self.log = folder / "log"
        self._config = folder / "node.toml"
        self._config.write_text(settings)
        command_line = [sys.executable, "-m", "node", "serve", "--config", str(self._config)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command_line, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()
        self.dicom, self.hl7, self.console = (int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", self.ready))

    def ask(self, *arguments: str) -> str:
        """All that another `cxr` command says."""
        return CliRunner().invoke(app, [*arguments, "--config", str(self._config)]).output

    def stop(self) -> None:
        """End it in good order."""
        self.process.terminate()
        assert self.process.wait(30) == 0

    def end(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def served(tmp_path: Path, pacs: StorageScp, settings_options: Callable[..., dict[str, Any]]) -> Iterator[Served]:
    """A node with a PACS that is full, for now."""
    pacs.status = OUT_OF_RESOURCES
    node = Served(
        tmp_path,
        f"""
data = "{tmp_path}/data"
[dicom]
port = 0
min_free_mb = 0
max_instance_mb = 1
peers = [{{ ae_title = "MODALITY", addresses = ["127.0.0.1"] }}]
[hl7]
port = 0
[console]
port = 0
[study]
quiet_s = 0
[reading]
model = "{settings_options()["reading.model"]}"
threads = 1
[mining]
workers = 1
[work]
tick_s = 0.05
[log]
level = "debug"
[[destinations]]
name = "pacs"
ae_title = "{pacs.ae_title}"
host = "{pacs.host}"
port = {pacs.port}
timeout_s = 5
""",
    )
    yield node
    node.end()


def store(port: int, *datasets: Any) -> list[int]:
    """C-STORE datasets, whatever is wrong with them; the status of each."""
    statuses = []
    with RawPeer(port) as peer:
        peer.associate()
        for ds in datasets:
            image = Image(ds)
            image.data = image.data.replace(BORN.encode(), b"CANARYBD")  # a date that is none
            peer.send(image.head, image.tail)
            statuses.append(peer.status())
        peer.release()
    return statuses


def misbehave(port: int) -> None:
    """Refused data sets, a refused caller, a broken association, each with a canary in it."""
    with RawPeer(port) as stranger:
        stranger.send(request(calling="STRANGER"))
        assert stranger.receive()[0] == ASSOCIATE_RJ
    garbage = b"\x10\x00\x10\x00PN\xff\xff" + NAME.encode() * 50
    store_rq = command(0x0001, sop_class=ComputedRadiographyImageStorage, data_set=True, uid="1.2.3")
    with RawPeer(port) as peer:
        peer.associate()
        peer.send(pdu(DATA, pdv(CR, COMMAND | LAST, store_rq) + pdv(CR, LAST, garbage)))
        assert peer.status() != SUCCESS
        nobody = command(0x0001, sop_class=ComputedRadiographyImageStorage, data_set=True, uid=f"../{NAME}")
        peer.send(pdu(DATA, pdv(CR, COMMAND | LAST, nobody) + pdv(CR, LAST, garbage)))
        assert peer.status() != SUCCESS
        peer.send(pdu(0x42, NAME.encode()))


def report(port: int) -> None:
    """Reports that are taken, malformed, of another type, and none at all."""
    good = oru(accession=ACCESSION, text=f"{WORD} pleural effusion.").replace(b"P1", PATIENT.encode())
    with Client(port) as client:
        assert code(client.ask(good)) == "AA"
        assert code(client.ask(good.replace(b"ORU^R01^ORU_R01", b"ADT^A01").replace(b"M1", b"M2"))) == "AR"
        assert code(client.ask(good.replace(b"OBR|", b"XXX|").replace(b"M1", b"M3"))) != "AA"
        assert code(client.ask(good.replace(b"OBX|1|TX|", b"OBX|1|ED|").replace(b"M1", b"M4"))) != ""
        client.send(b"GET /" + NAME.encode() + b"\r\n\x1c\r")
        client.answer()


def jobs(served: Served) -> dict[str, str]:
    """The state of the newest job of each kind, but a failed one before the others."""
    listed = json.loads(served.ask("jobs", "--json", "--limit", "100"))
    return {job["kind"]: job["state"] for job in sorted(listed, key=lambda job: job["state"] == "failed")}


def open_to_others(path: Path) -> bool:
    """Whether another user of the machine can read it; a model's folder is no secret."""
    return bool(path.stat().st_mode & 0o077) and "models" not in path.parts[-2:-1]


def test_patient_data_stay_in_the_database_and_the_objects(served: Served, pacs: StorageScp):
    """At DEBUG, through success, refusals and failures: not in the log, a file name, a page or a command's state.

    What is there is for the node's own user alone. What a broker holds is looked at in `tests/node/test_broker.py`.
    """
    good, broken, lateral = chest(**OWN), chest(**OWN), chest(**OWN, ViewPosition="LL")
    broken.PixelData = broken.PixelData[:5000]

    assert store(served.dicom, good, broken, lateral) == [SUCCESS] * 3
    other = chest(**OWN, SOPInstanceUID=lateral.SOPInstanceUID, ViewPosition="LL")
    store(served.dicom, lateral, other)
    misbehave(served.dicom)
    report(served.hl7)
    wait_until(lambda: len(pacs.order) > 0, timeout_s=30, what="nothing was tried at the PACS")
    pacs.status = SUCCESS
    wait_until(lambda: {"read": "failed", "mine": "done"}.items() <= jobs(served).items(), timeout_s=60, what="no end")
    commands = (["status"], ["jobs"], ["results"], ["audit", "list"], ["models", "list"], ["destinations", "list"])
    shown = {" ".join(words): served.ask(*words, "--json") for words in commands}
    shown |= {
        path: Browser(served.console).get(path).text for path in ("/", "/healthz", "/readyz", "/metrics", "/" + NAME)
    }
    served.stop()
    shown["log"] = served.ready + served.log.read_text("utf-8")
    shown["file names"] = "\n".join(str(path) for path in served.data.rglob("*"))

    assert {where: CANARY.findall(text) for where, text in shown.items() if CANARY.search(text)} == {}
    assert [path for path in (served.data, *served.data.rglob("*")) if open_to_others(path)] == []
    for event in ("stored", "refused", "association aborted", "(not a UID)", "STRANGER"):
        assert event in shown["log"] + shown["audit list"], event
    assert any(CANARY.search(path.read_bytes().decode("latin-1")) for path in served.data.rglob("*.dcm"))
