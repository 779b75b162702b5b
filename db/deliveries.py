"""What was sent where, and what the destination says of it since."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, literal_column, or_, select, update

from db.result_records import Delivery, DeliveryState, Parcel, Result, ResultKind
from db.results import result_of
from db.schema import delivery, result

MAX_TRIES = 3
"""Commitment requests that may come to nothing before a person is asked."""

UNSETTLED = (
    DeliveryState.WAITING,
    DeliveryState.ASKED,
    DeliveryState.REFUSED,
    DeliveryState.LOST,
    DeliveryState.UNCONFIRMED,
)
"""States in which a result is on its way, or waits for a person."""
IS_UNSETTLED = delivery.c.state.in_([literal_column(f"'{state}'") for state in UNSETTLED])
"""That it is in one of them, in the words in which both databases know the index of these few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsSent:
    """The form in which a destination got a result; `warning` is what it remarked."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    sha256: str
    warning: str | None = None


def add(
    connection: Connection,
    result_ids: Iterable[int],
    destination: str,
    state: DeliveryState = DeliveryState.WAITING,
) -> None:
    """Note that these results are to go to a destination, or that they are withheld from it."""
    rows = [{"result_id": id_, "destination": destination, "state": state} for id_ in result_ids]
    if rows:
        connection.execute(delivery.insert(), rows)


def parcels(connection: Connection, study_id: int, revision: int, destination: str) -> list[Parcel]:
    """The results of a study's revision that go to a destination, whatever became of them, as they were built."""
    return _parcels(
        connection, result.c.study_id == study_id, result.c.revision == revision, delivery.c.destination == destination
    )


def taken_back(connection: Connection, study_id: int, retracted_at: datetime, destination: str) -> list[Parcel]:
    """The results of a study that were taken back at a time and that a destination got, or may have got."""
    there = (
        DeliveryState.SENT,
        DeliveryState.ASKED,
        DeliveryState.COMMITTED,
        DeliveryState.UNCONFIRMED,
        DeliveryState.LOST,
        DeliveryState.WITHDRAWN,
    )
    return _parcels(
        connection,
        result.c.study_id == study_id,
        result.c.retracted_at == retracted_at,
        delivery.c.destination == destination,
        delivery.c.state.in_(there),
        delivery.c.sop_instance_uid.is_not(None),
    )


def _parcels(connection: Connection, *which: ColumnElement[bool]) -> list[Parcel]:
    of_result, of_delivery = _columns(result, "r_"), _columns(delivery, "d_")
    query = (
        select(*of_result, *of_delivery)
        .join_from(result, delivery, delivery.c.result_id == result.c.id)
        .where(*which)
        .order_by(result.c.id)
    )
    return [
        Parcel(result=result_of(_picked(row, Result, "r_")), delivery=_delivery(_picked(row, Delivery, "d_")))
        for row in connection.execute(query).mappings()
    ]


def known(connection: Connection, study_id: int, destination: str) -> bool:
    """Whether results of a study that stand went, or are on their way, to a destination."""
    query = (
        select(delivery.c.id)
        .join_from(delivery, result, delivery.c.result_id == result.c.id)
        .where(result.c.study_id == study_id, delivery.c.destination == destination)
        .where(delivery.c.state.not_in((DeliveryState.WITHHELD, DeliveryState.WITHDRAWN)))
        .where(result.c.retracted_at.is_(None), result.c.kind != ResultKind.REJECTION)
        .limit(1)
    )
    return connection.execute(query).first() is not None


def mark(
    connection: Connection,
    delivery_ids: Collection[int],
    state: DeliveryState,
    *,
    error: str | None = None,
) -> None:
    """Set the state of deliveries, and the reason of one that did not arrive."""
    connection.execute(update(delivery).where(delivery.c.id.in_(list(delivery_ids))).values(state=state, error=error))


def sent(connection: Connection, delivery_id: int, as_sent: AsSent, now: datetime) -> None:
    """The destination answered that it has the result, in this form."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id)
        .values(
            state=DeliveryState.SENT,
            sent_at=now,
            error=as_sent.warning,
            sop_class_uid=as_sent.sop_class_uid,
            sop_instance_uid=as_sent.sop_instance_uid,
            transfer_syntax_uid=as_sent.transfer_syntax_uid,
            sha256=as_sent.sha256,
        )
    )


def reopen(connection: Connection, delivery_ids: Collection[int]) -> None:
    """A person asks again: what was refused or lost waits to be sent, what was not confirmed is asked for again."""
    state = delivery.c.state
    mine = delivery.c.id.in_(list(delivery_ids))
    lost = state.in_((DeliveryState.REFUSED, DeliveryState.LOST))
    connection.execute(update(delivery).where(mine, lost).values(state=DeliveryState.WAITING, tries=0))
    unconfirmed = state == DeliveryState.UNCONFIRMED
    connection.execute(update(delivery).where(mine, unconfirmed).values(state=DeliveryState.SENT, tries=0))


def ask(connection: Connection, delivery_ids: Collection[int], transaction_uid: str, now: datetime) -> None:
    """The destination is about to be asked to commit to these; its answer may come at any time from now on."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(list(delivery_ids)))
        .values(state=DeliveryState.ASKED, transaction_uid=transaction_uid, asked_at=now)
    )


def unanswered(connection: Connection, delivery_ids: Collection[int], words: str, *, final: bool = False) -> None:
    """A commitment request came to nothing: these are to be asked for again, or a person is asked.

    What was answered meanwhile stays answered. `final` spares the further tries.
    """
    asked = update(delivery).where(delivery.c.id.in_(list(delivery_ids)), delivery.c.state == DeliveryState.ASKED)
    last = delivery.c.tries + 1 >= (0 if final else MAX_TRIES)
    values = {"tries": delivery.c.tries + 1, "error": words}
    connection.execute(asked.where(last).values(state=DeliveryState.UNCONFIRMED, **values))
    connection.execute(asked.values(state=DeliveryState.SENT, **values))


def answered(
    connection: Connection, transaction_uid: str, failed: Mapping[str, str], now: datetime
) -> set[tuple[int, int, str]]:
    """The destination's answer to a commitment request: it has all of it but what `failed`, by UID with the reason.

    What failed waits to be sent again, unless it was taken back, or that has come to nothing too often.

    Returns:
        The deliveries' study ids, revisions and destinations; empty if no such request is known.
    """
    query = (
        select(result.c.study_id, result.c.revision, delivery.c.destination)
        .join_from(delivery, result, delivery.c.result_id == result.c.id)
        .where(delivery.c.transaction_uid == transaction_uid)
    )
    found = {(row.study_id, row.revision, row.destination) for row in connection.execute(query)}
    of_request = delivery.c.transaction_uid == transaction_uid
    pending = of_request & delivery.c.state.in_((DeliveryState.ASKED, DeliveryState.SENT, DeliveryState.UNCONFIRMED))
    for sop_instance_uid, words in failed.items():
        one = update(delivery).where(pending, delivery.c.sop_instance_uid == sop_instance_uid)
        values = {"tries": delivery.c.tries + 1, "error": words, "transaction_uid": None}
        retracted = delivery.c.result_id.in_(select(result.c.id).where(result.c.retracted_at.is_not(None)))
        last = or_(delivery.c.tries + 1 >= MAX_TRIES, retracted)
        connection.execute(one.where(last).values(state=DeliveryState.LOST, **values))
        connection.execute(one.values(state=DeliveryState.WAITING, **values))
    connection.execute(
        update(delivery).where(pending).values(state=DeliveryState.COMMITTED, committed_at=now, error=None)
    )
    return found


def of_result(connection: Connection, result_id: int) -> list[Delivery]:
    """Where a result goes, and how far it got."""
    query = select(delivery).where(delivery.c.result_id == result_id).order_by(delivery.c.destination)
    return [_delivery(row) for row in connection.execute(query).mappings()]


def of_study(connection: Connection, study_id: int) -> list[Delivery]:
    """Where a study's results go, in the order in which they were built and by destination."""
    query = select(delivery).join(result, result.c.id == delivery.c.result_id).where(result.c.study_id == study_id)
    query = query.order_by(delivery.c.result_id, delivery.c.destination)
    return [_delivery(row) for row in connection.execute(query).mappings()]


def send_again(connection: Connection, delivery_ids: Collection[int]) -> int:
    """A person wants these sent once more, whatever became of them. Returns how many wait now.

    An answer to what was asked of them before does not count any more.
    """
    again = (
        DeliveryState.SENT,
        DeliveryState.ASKED,
        DeliveryState.COMMITTED,
        DeliveryState.REFUSED,
        DeliveryState.LOST,
        DeliveryState.UNCONFIRMED,
    )
    which = update(delivery).where(delivery.c.id.in_(list(delivery_ids)), delivery.c.state.in_(again))
    fresh = {"error": None, "transaction_uid": None, "asked_at": None, "committed_at": None, "tries": 0}
    return connection.execute(which.values(state=DeliveryState.WAITING, **fresh)).rowcount


def newest(
    connection: Connection,
    limit: int,
    *,
    before: int | None = None,
    destination: str | None = None,
    states: Collection[DeliveryState] = (),
) -> list[Delivery]:
    """Deliveries, those made last first; only those made before the one of an id, of a destination, in some states."""
    query = select(delivery).order_by(delivery.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(delivery.c.id < before)
    if destination is not None:
        query = query.where(delivery.c.destination == destination)
    if states:
        query = query.where(delivery.c.state.in_(states))
        if set(states) <= set(UNSETTLED):
            query = query.where(IS_UNSETTLED)
    return [_delivery(row) for row in connection.execute(query).mappings()]


def last_sent(connection: Connection, destination: str) -> datetime | None:
    """When a destination last took something."""
    query = select(delivery.c.sent_at).where(delivery.c.destination == destination, delivery.c.sent_at.is_not(None))
    return connection.execute(query.order_by(delivery.c.sent_at.desc()).limit(1)).scalar()


def of_results(connection: Connection, result_ids: Collection[int]) -> dict[int, list[Delivery]]:
    """The same of several results; of one that goes nowhere, nothing."""
    query = select(delivery).where(delivery.c.result_id.in_(list(result_ids)))
    found: dict[int, list[Delivery]] = {result_id: [] for result_id in result_ids}
    for row in connection.execute(query.order_by(delivery.c.destination)).mappings():
        found[row["result_id"]].append(_delivery(row))
    return found


def counts(connection: Connection) -> dict[str, int]:
    """How many deliveries there are, by `destination.state`."""
    query = select(delivery.c.destination, delivery.c.state, func.count()).group_by(
        delivery.c.destination, delivery.c.state
    )
    return {f"{name}.{state}": count for name, state, count in connection.execute(query)}


def unsettled(connection: Connection) -> list[tuple[str, str, int]]:
    """Destination, state and number of the deliveries that have not arrived, by an index of their states."""
    query = select(delivery.c.destination, delivery.c.state, func.count())
    query = query.where(IS_UNSETTLED).group_by(delivery.c.destination, delivery.c.state)
    return [(name, state, count) for name, state, count in connection.execute(query)]


def _columns(table: Any, prefix: str) -> list[Any]:
    return [column.label(prefix + column.name) for column in table.c]


def _picked(row: RowMapping, record: type[Any], prefix: str) -> dict[str, Any]:
    return {field.name: row[prefix + field.name] for field in fields(record)}


def _delivery(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(**{**row, "state": DeliveryState(row["state"])})
