"""What was sent where."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from db.records import Delivery, DeliveryState, Result
from db.schema import delivery, result


def add(connection: Connection, result_ids: Iterable[int], destination: str) -> None:
    """Note that these results are to go to a destination."""
    rows = [{"result_id": id_, "destination": destination, "state": DeliveryState.WAITING} for id_ in result_ids]
    if rows:
        connection.execute(delivery.insert(), rows)


def waiting(connection: Connection, study_id: int, revision: int, destination: str) -> list[Result]:
    """The results of a study's revision that have not reached a destination yet."""
    query = (
        select(result)
        .join(delivery, delivery.c.result_id == result.c.id)
        .where(
            result.c.study_id == study_id,
            result.c.revision == revision,
            delivery.c.destination == destination,
            delivery.c.state != DeliveryState.SENT,
        )
        .order_by(result.c.id)
    )
    return [Result(**row) for row in connection.execute(query).mappings()]


def mark(
    connection: Connection,
    result_ids: Collection[int],
    destination: str,
    state: DeliveryState,
    *,
    now: datetime,
    error: str | None = None,
) -> None:
    """Set the state of results on their way to a destination."""
    values: dict[str, Any] = {"state": state, "error": error}
    if state is DeliveryState.SENT:
        values["sent_at"] = now
    connection.execute(
        update(delivery)
        .where(delivery.c.result_id.in_(list(result_ids)), delivery.c.destination == destination)
        .values(values)
    )


def of_result(connection: Connection, result_id: int) -> list[Delivery]:
    """Where a result goes, and how far it got."""
    query = select(delivery).where(delivery.c.result_id == result_id).order_by(delivery.c.destination)
    return [Delivery(**{**row, "state": DeliveryState(row["state"])}) for row in connection.execute(query).mappings()]


def counts(connection: Connection) -> dict[str, int]:
    """How many deliveries there are, by `destination.state`."""
    query = select(delivery.c.destination, delivery.c.state, func.count()).group_by(
        delivery.c.destination, delivery.c.state
    )
    return {f"{name}.{state}": count for name, state, count in connection.execute(query)}
