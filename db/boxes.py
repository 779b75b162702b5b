"""Radiologists' boxes on images, kept to measure with and never to learn from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from db.learning_records import DrawnBox
from db.schema import true_box

_AT_ONCE = 500
_COLUMNS = tuple(DrawnBox.__dataclass_fields__)


def replace(connection: Connection, boxes: Mapping[int, Sequence[DrawnBox]]) -> None:
    """Write the boxes of these instances in place of those they had."""
    ids = list(boxes)
    for part in _parts(ids):
        connection.execute(delete(true_box).where(true_box.c.instance_id.in_(part)))
    rows = [{"instance_id": id_, **asdict(box)} for id_ in ids for box in boxes[id_]]
    if rows:
        connection.execute(true_box.insert(), rows)


def every(connection: Connection) -> dict[int, list[DrawnBox]]:
    """All boxes by the row id of their instance."""
    found: dict[int, list[DrawnBox]] = {}
    query = select(true_box.c.instance_id, *(true_box.c[name] for name in _COLUMNS)).order_by(true_box.c.id)
    for instance_id, *values in connection.execute(query):
        found.setdefault(instance_id, []).append(DrawnBox(**dict(zip(_COLUMNS, values, strict=True))))
    return found


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
