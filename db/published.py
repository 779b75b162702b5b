"""Labels that were published with an image: neither mined here nor a person's of this site.

They are kept where mined ones are, so that every view of the labels has them: a report of the message type that
published them, whose text is the label field as it stands, and one reading of it by the miner "published". Nobody
ever mines such a report (`db.minings.unmined`): its text is no language, and its reading says what it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from db import minings, reports
from db.learning_records import PublishedLabels
from db.report_records import PUBLISHED, MinedMention, Mining
from db.schema import message, report
from db.vocabulary import FINDINGS, Assertion

READABLE = "mined"
"""The readability of what has labels; see `db.labels`."""
RULE = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How many labels are new, and how many were here."""

    new: int
    known: int


def record_all(connection: Connection, labels: Sequence[PublishedLabels], now: datetime) -> Recorded:
    """Write the published labels of some images, each once; reports and readings in one transaction.

    Of an image whose labels were published anew the last that were written hold.
    """
    fresh = reports.record_all(connection, [each.message for each in labels])
    new = [each for each, is_new in zip(labels, fresh, strict=True) if is_new]
    ids = [_report_id(connection, each) for each in new]
    minings.record(connection, [_reading(id_, each, now) for id_, each in zip(ids, new, strict=True)])
    return Recorded(new=len(new), known=len(labels) - len(new))


def _report_id(connection: Connection, labels: PublishedLabels) -> int:
    arrival = labels.message
    query = select(report.c.id).join(message, message.c.id == report.c.message_id)
    same = (message.c.sending_application, message.c.sending_facility, message.c.control_id, message.c.sha256)
    values = (arrival.sending_application, arrival.sending_facility, arrival.control_id, arrival.sha256)
    found: int = connection.execute(
        query.where(*(column == value for column, value in zip(same, values, strict=True)))
    ).scalar_one()
    return found


def _reading(report_id: int, labels: PublishedLabels, now: datetime) -> Mining:
    text = labels.message.reports[0].text
    said = [*labels.findings, *(name for name in labels.unknown if name not in labels.findings)]
    return Mining(
        report_id=report_id,
        miner=PUBLISHED,
        readability=READABLE,
        normal=labels.normal,
        mined_at=now,
        mentions=tuple(
            _mention(name, text, Assertion.POSITIVE if name in labels.findings else Assertion.UNCERTAIN)
            for name in said
        ),
        labels={name: place for place, name in enumerate(said)},
    )


def _mention(name: str, text: str, assertion: Assertion) -> MinedMention:
    start = text.find(name)
    place = (start, start + len(name)) if start >= 0 else (0, len(text))
    code = FINDINGS[name].code
    return MinedMention(
        concept=name,
        code=code.value,
        scheme=code.scheme,
        kind="finding",
        finding=name,
        assertion=assertion,
        sentence=text,
        start=place[0],
        end=place[1],
        section="",
        rule_id=RULE,
        fired=(RULE,),
    )
