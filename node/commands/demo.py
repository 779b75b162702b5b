"""`cxr demo`: the whole way of a chest radiograph, on this machine alone.

A node and a small PACS are started on free ports; a radiograph is pushed to the node as a modality would; what
comes back to the PACS is kept in a folder and shown.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import pydicom
import typer
from PIL import Image
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from rich.console import Console

from db import jobs, results, studies
from db.records import JobState, StudyState
from inference.prediction import Prediction
from node import wiring
from node.commands.options import print_table
from node.dicom import archive
from node.dicom.archive import Archive
from node.dicom.opening import Address
from node.errors import NodeError
from node.models.predictions import restored
from node.objects.reading import shown_boxes
from node.parts import Node
from node.rehearsal import modality
from node.sections.remote import DestinationSettings
from node.settings import load

RESULTS = ("report.dcm", "segmentation.dcm", "overlay.dcm")
PATIENCE_S = 120.0


class DemoError(NodeError):
    """The demonstration did not get to its end."""


def demo(
    image: Annotated[
        Path | None, typer.Argument(help="A chest radiograph (DICOM). Without one, a phantom is drawn.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for what comes back.")] = Path("demo-out"),
) -> None:
    """Send a chest radiograph through a node on this machine and show what the PACS gets back.

    Example: cxr demo my-chest.dcm --out demo-out
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in RESULTS:
        (out / name).unlink(missing_ok=True)
    say = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="cxr-demo-") as scratch:
        say.print("1/5 " + ("Taking your radiograph" if image else "Drawing a chest phantom"))
        source = _prepared(image, Path(scratch)) if image else _draw(Path(scratch) / "phantom.dcm")
        pacs = Archive(out)
        node = _node(Path(scratch), pacs.port)
        try:
            say.print(f"2/5 Starting a PACS on port {pacs.port} and the node on port {node.scp.port}")
            node.start()
            say.print("3/5 Sending the radiograph to the node by C-STORE")
            _push(source, node)
            with say.status("4/5 Waiting for the report, the segmentation and the overlay"):
                _wait(node, pacs)
            say.print("4/5 The PACS has the report, the segmentation and the overlay")
            prediction = _prediction(node)
        finally:
            node.stop()
            pacs.stop()
    picture = out / "overlay.png"
    Image.fromarray(pydicom.dcmread(out / "overlay.dcm").pixel_array).save(picture)
    say.print("5/5 Done\n")
    _show(prediction, out, picture, is_phantom=image is None)


def _prepared(image: Path, scratch: Path) -> Path:
    """The file as it is, or a copy with the file meta information that older archives leave out."""
    try:
        ds = pydicom.dcmread(image, force=True)
        if "TransferSyntaxUID" in ds.file_meta:
            return image
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if ds.original_encoding[0] else ExplicitVRLittleEndian
        ds.save_as(scratch / "radiograph.dcm", enforce_file_format=True)
    except (OSError, InvalidDicomError, AttributeError, ValueError) as error:
        raise DemoError(f"{image} is not a readable DICOM file; give a chest radiograph as DICOM") from error
    return scratch / "radiograph.dcm"


def _draw(path: Path) -> Path:
    from node.demonstration import phantom  # noqa: PLC0415 - its curves cost half a second that no other command should pay

    phantom.dataset(findings=("Effusion",)).save_as(path, enforce_file_format=True)
    return path


def _node(scratch: Path, pacs_port: int) -> Node:
    pacs = DestinationSettings(name="pacs", ae_title=archive.AE_TITLE, host="127.0.0.1", port=pacs_port)
    settings = load(
        None,
        **{
            "host": "127.0.0.1",
            "data": scratch / "data",
            "dicom.port": 0,
            "hl7.port": 0,
            "console.port": 0,
            "study.quiet_s": 0,
            "destinations": [pacs],
            # Nothing of an installed node's environment: neither its database nor its peers.
            "database.url": None,
            "dicom.peers": [{"ae_title": "*", "addresses": ["127.0.0.0/8"]}],
            # Who names the file says that it is a frontal chest radiograph where its header is silent.
            "reading.accept_unknown_view": True,
            "reading.accept_unknown_body_part": True,
        },
    )
    return wiring.build(settings)


def _push(source: Path, node: Node) -> None:
    here = Address(name="node", ae_title=node.settings.dicom.ae_title, host="127.0.0.1", port=node.scp.port)
    answer = modality.push(source, here)
    if not answer.stored:
        raise DemoError(f"the node did not take the radiograph: {answer.words}")


def _wait(node: Node, pacs: Archive) -> None:
    waited_s = 0.0
    while not pacs.wait_for(len(RESULTS), 0.25):
        waited_s += 0.25
        with node.database.read() as connection:
            (study,) = studies.newest(connection, 1)
            ended = jobs.newest(connection, 1, (JobState.FAILED, JobState.DEAD))
            reasons = [each.reason_detail for each in studies.instances(connection) if each.reason_detail]
        if study.state in (StudyState.NOT_READ, StudyState.FAILED) or ended:
            why = reasons[0] if reasons else (ended[0].error if ended else "")
            raise DemoError(f"the radiograph was not read: {why}")
        if waited_s > PATIENCE_S:
            missing = sorted(set(RESULTS) - set(pacs.received))
            raise DemoError(f"after {PATIENCE_S:.0f} s the PACS still lacks {', '.join(missing)}")


def _prediction(node: Node) -> Prediction:
    with node.database.read() as connection:
        (instance,) = studies.instances(connection)
        version = results.every(connection)[0].model_version
        kept = results.prediction_of(connection, instance.id, version)
    if kept is None:
        raise DemoError("the node kept no prediction of the radiograph")
    return restored(kept)


def _show(prediction: Prediction, out: Path, picture: Path, *, is_phantom: bool) -> None:
    print_table(
        ["finding", "probability", "operating point", "above", "boxes (x, y, width, height)"],
        [
            (
                score.finding,
                f"{score.probability:.2f}",
                f"{score.operating_point:.2f}",
                "yes" if score.present else "",
                "; ".join(f"{box.x}, {box.y}, {box.width}, {box.height}" for box in shown_boxes(score)),
            )
            for score in prediction.scores
        ],
        empty="No findings.",
    )
    if not any(score.present for score in prediction.scores):
        typer.echo("No finding is above its operating point, so there are no boxes.")
    if is_phantom:
        typer.echo("A phantom is drawn, not a patient; try a radiograph of yours with `make demo CXR=path.dcm`.")
    typer.echo(f"Model {prediction.model_version}. Not a medical device; not for clinical use.\n")
    for noun, path in (
        ("Structured Report", out / "report.dcm"),
        ("Segmentation", out / "segmentation.dcm"),
        ("Overlay", out / "overlay.dcm"),
        ("Overlay picture", picture),
    ):
        typer.echo(f"{noun + ':':<18} {path}")
