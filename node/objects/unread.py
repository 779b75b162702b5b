"""The report of a study that was not read, made of what its headers still say."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from db.vocabulary import Reason
from inference import image_file
from inference.errors import NotReadable
from node.objects.errors import MissingIdentifierError
from node.objects.header import read_source
from node.objects.identity import Identity
from node.objects.model import ModelDescription
from node.objects.not_processed import Unread, build_not_processed
from node.objects.result import ResultObject


def build(
    images: Sequence[tuple[Path, Reason]],
    *,
    identity: Identity,
    model: ModelDescription,
    created: datetime,
    predecessor: tuple[str, str, str, str] | None,
    language: str,
) -> ResultObject | None:
    """Say of each image, a file and why it was not read, that it was not; None if no file says what it is of."""
    known = list(_known(images, identity.study_instance_uid))
    if not known:
        return None
    return build_not_processed(
        known, identity=identity, model=model, created=created, predecessor=predecessor, language=language
    )


def _known(images: Sequence[tuple[Path, Reason]], study_instance_uid: str) -> Iterator[Unread]:
    """The images that can be referred to; of several under one UID, the first."""
    seen = set()
    for path, reason in images:
        try:
            header = image_file.header(path)
            source = read_source(header)
        except (NotReadable, MissingIdentifierError):
            continue
        if source.study_instance_uid == study_instance_uid and source.sop_instance_uid not in seen:
            seen.add(source.sop_instance_uid)
            yield Unread(header=header, reason=reason)
