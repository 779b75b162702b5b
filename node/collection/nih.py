"""The public NIH ChestX-ray sets as images of the site, with their published labels and boxes.

A picture becomes a DICOM object and goes through the intake that C-STORE has; then its labels and boxes are written.
What is there is known by its UIDs and rows, so an import that was cut off is begun again from the start.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from db import boxes, frontals, published, studies
from db.engine import Connection, Database
from db.learning_records import DrawnBox, Frontal, PublishedLabels
from db.report_records import OLDEST, MessageArrival, ReportArrival, ReportStatus
from inference.eligibility import assess, view
from inference.errors import NotReadable
from inference.policy import Policy
from node.collection import wrapping
from node.collection.archive import AT_ONCE, FULL, groups
from node.collection.nih_table import Published, RowError
from node.collection.part10 import NotTakenError
from node.errors import OUT_OF_RESOURCES, RefusedError, SettingsError
from node.history.importer import Tally
from node.intake import Intake

GROUP = 100
"""Images whose labels are written together."""
APPLICATION, FACILITY, MESSAGE_TYPE = "cxr import nih", "NIH", "NIH"
NO_FILE = "there is no such picture in the folder"


@dataclass(slots=True)
class NihTally(Tally):
    """What became of the rows of the label table, and how many labels and boxes are new."""

    labels: int = 0
    boxes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one row: `instance_uid` is the image's; `refusal` says why there is none."""

    published: Published
    instance_uid: str = ""
    new: bool = False
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """Imports rows of the label table whose picture is in `pictures` (by file name)."""

    intake: Intake
    database: Database
    policy: Policy
    max_pixels: int
    pictures: Mapping[str, Path]
    drawn: Mapping[str, Sequence[DrawnBox]]
    now: Callable[[], datetime]

    def store(
        self, rows: Sequence[Published | tuple[str, RowError]], on_group: Callable[[NihTally, int], None]
    ) -> NihTally:
        """Store every image with its labels and boxes, and count.

        Args:
            rows: as `nih_table.read_labels` gives them.
            on_group: called after each group with the tally so far and the number of rows.

        Raises:
            SettingsError: the disk is nearly full.
            db.errors.DatabaseError: the database does not answer.
        """
        tally = NihTally()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for group in groups(rows, GROUP):
                outcomes = []
                for row in group:
                    if isinstance(row, Published):
                        outcomes.append(row)
                    else:
                        tally.refuse(row[0], str(row[1]))
                stored = list(pool.map(self._store, outcomes))
                for outcome in stored:
                    if outcome.refusal is None:
                        tally.store(new=outcome.new)
                    else:
                        tally.refuse(outcome.published.image, outcome.refusal)
                self._write([each for each in stored if each.refusal is None], tally)
                on_group(tally, len(group))
        return tally

    def _store(self, row: Published) -> Outcome:
        path = self.pictures.get(row.image)
        if path is None:
            return Outcome(published=row, refusal=NO_FILE)
        try:
            uid = wrapping.sop_instance_uid(row.image, path)
            with self.database.read() as connection:
                if studies.instance_ids(connection, [uid]):
                    return Outcome(published=row, instance_uid=uid)
            origin, data = wrapping.wrapped(row, path, uid, self.max_pixels)
            self.intake.receive([data], origin)
        except (NotTakenError, NotReadable) as error:
            return Outcome(published=row, refusal=error.detail if isinstance(error, NotReadable) else str(error))
        except RefusedError as error:
            if error.status == OUT_OF_RESOURCES:
                raise SettingsError(FULL) from error
            return Outcome(published=row, refusal=error.comment)
        return Outcome(published=row, instance_uid=uid, new=True)

    def _write(self, stored: Sequence[Outcome], tally: NihTally) -> None:
        """The labels, boxes and views of images that are stored, in one transaction."""
        if not stored:
            return
        now = self.now()
        with self.database.write() as connection:
            ids = studies.instance_ids(connection, [each.instance_uid for each in stored])
            self._view(connection, stored, ids)
            recorded = published.record_all(connection, [_labels(each.published, now) for each in stored], now)
            drawn = {
                ids[each.instance_uid]: self.drawn[each.published.image]
                for each in stored
                if each.published.image in self.drawn
            }
            boxes.replace(connection, drawn)
        tally.labels += recorded.new
        tally.boxes += sum(len(each) for each in drawn.values())

    def _view(self, connection: Connection, stored: Sequence[Outcome], ids: Mapping[str, int]) -> None:
        """Say of each image whether it is frontal, by the header it was given."""
        found = []
        for each in stored:
            header = wrapping.header(each.published, each.instance_uid)
            ineligible = assess(header, self.policy)
            if ineligible is None:
                collection = each.published.collection or FACILITY
                found.append(Frontal(instance_id=ids[each.instance_uid], view=view(header), collection=collection))
            else:
                studies.set_reason(
                    connection, ids[each.instance_uid], ineligible.reason, ineligible.detail, ineligible.tag
                )
        frontals.record(connection, found)


def _labels(row: Published, now: datetime) -> PublishedLabels:
    """The row as a report of its own message type, which no miner reads."""
    raw = json.dumps(asdict(row), sort_keys=True, ensure_ascii=False).encode()
    report = ReportArrival(
        source=FACILITY,
        report_key=row.image,
        accession_number=wrapping.accession_number(row.image),
        study_instance_uid=wrapping.study_instance_uid(row.image),
        patient_id=wrapping.patient_id(row),
        modality="DX",
        procedure=f"CHEST {row.view}".strip(),
        status=ReportStatus.FINAL,
        version_at=OLDEST,
        message_at=OLDEST,
        text=row.labels,
        sections=(),
    )
    message = MessageArrival(
        sending_application=APPLICATION,
        sending_facility=FACILITY,
        control_id=row.image,
        message_type=MESSAGE_TYPE,
        version="",
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        peer_address="",
        answer="",
        received_at=now,
        reports=(report,),
    )
    return PublishedLabels(message=message, findings=row.findings, unknown=row.unknown, normal=row.normal)
