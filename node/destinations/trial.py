"""A trial of a destination: a synthetic patient's radiograph and results, sent as real ones would be.

Nothing of it is kept here. The patient is the phantom's, under new UIDs each time, so that an archive can be tried
before a real study goes there; whoever tries removes the study there.
"""

import hashlib
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom import Dataset

from db.result_records import READ_KINDS, ResultKind, SopReference
from inference import grayscale
from inference.image import Image
from inference.pixels import decode
from node.demonstration import phantom
from node.destinations.delivery import Recipient
from node.dicom.commitment import Request
from node.dicom.outgoing import Answer, Outgoing
from node.models.service import ModelInService
from node.objects import bundle, encoding
from node.objects.identity import Identity
from node.objects.reading import Reading

REVISION = 1
MAX_PIXELS = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One object of the trial; the radiograph has the kind "image"."""

    kind: str
    outgoing: Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a destination said to each piece.

    `asked` is the status of its response to the commitment request, None if it was not asked.
    """

    study_instance_uid: str
    answers: tuple[tuple[Piece, Answer], ...]
    transaction_uid: str
    asked: int | None


@contextmanager
def pieces(
    model: ModelInService, kinds: frozenset[ResultKind], now: datetime, side: int = 1024
) -> Iterator[tuple[str, list[Piece]]]:
    """The Study Instance UID, the radiograph and the results of these kinds, as files for as long as it lasts."""
    ds = phantom.dataset(rows=side, columns=side, findings=("Effusion",))
    stored = decode(ds, max_pixels=MAX_PIXELS)
    image = Image(stored=stored, grey=grayscale.levels(ds, stored), header=ds)
    reading = Reading(header=ds, display=image.display(), prediction=model.classify(image))
    made = bundle.build(
        [reading],
        identity=Identity(
            study_instance_uid=ds.StudyInstanceUID, revision=REVISION, model_version=model.description.version
        ),
        model=model.description,
        created=now,
        kinds=kinds & READ_KINDS,
    )
    with tempfile.TemporaryDirectory(prefix="cxr-trial-") as folder:
        found = [_piece("image", ds, Path(folder))]
        found += [_piece(each.kind, each.dataset, Path(folder)) for each in made]
        yield str(ds.StudyInstanceUID), found


def run(
    recipient: Recipient, study_instance_uid: str, objects: Sequence[Piece], before_asking: Callable[[str], None]
) -> Trial:
    """Send the pieces over one line, and ask to commit to them if the destination is to do that.

    Args:
        recipient: the destination.
        study_instance_uid: of the pieces.
        objects: the pieces.
        before_asking: is given the Transaction UID before the destination can answer.

    Raises:
        UnreachableError: there is no way to the destination, or it broke.
    """
    asked, transaction_uid = None, f"2.25.{uuid.uuid4().int}"
    outgoing = [piece.outgoing for piece in objects]
    with recipient.open_line(outgoing) as line:
        answers = tuple(zip(objects, line.send(outgoing), strict=True))
        taken = tuple(
            SopReference(sop_class_uid=answer.sent.sop_class_uid, sop_instance_uid=answer.sent.sop_instance_uid)
            for _, answer in answers
            if answer.stored and answer.sent is not None
        )
        if recipient.commitment and taken:
            before_asking(transaction_uid)
            asked = line.ask(Request(transaction_uid=transaction_uid, references=taken))
    return Trial(study_instance_uid=study_instance_uid, answers=answers, transaction_uid=transaction_uid, asked=asked)


def _piece(kind: str, ds: Dataset, folder: Path) -> Piece:
    path, data = folder / f"{kind}.dcm", encoding.encode(ds)
    path.write_bytes(data)
    outgoing = Outgoing(
        path=path,
        sop_class_uid=str(ds.SOPClassUID),
        sop_instance_uid=str(ds.SOPInstanceUID),
        transfer_syntax_uid=encoding.stored_as(ds),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return Piece(kind=kind, outgoing=outgoing)
