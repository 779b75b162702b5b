"""The registry of models: what there is, and which one reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from db.engine import queue_for
from db.errors import UnknownModelError
from db.records import Model, ModelState
from db.schema import model


def register(
    connection: Connection, *, name: str, version: str, path: str, card: Mapping[str, Any], now: datetime
) -> None:
    """Enter a model as a candidate; a known version stays as it is."""
    queue_for(connection, "models")
    if find(connection, version) is None:
        connection.execute(
            model.insert().values(
                name=name,
                version=version,
                path=path,
                state=ModelState.CANDIDATE,
                card=dict(card),
                registered_at=now,
            )
        )


def promote(connection: Connection, version: str, *, by: str, now: datetime) -> None:
    """Make a registered model the one that reads; the one before it retires.

    Raises:
        UnknownModelError: it is not registered; roll the transaction back.
    """
    queue_for(connection, "models")
    retire = {"state": ModelState.RETIRED}
    connection.execute(update(model).where(model.c.state == ModelState.CURRENT).values(retire))
    values = {"state": ModelState.CURRENT, "promoted_at": now, "promoted_by": by}
    promoted = update(model).where(model.c.version == version).values(values).returning(model.c.id)
    if connection.execute(promoted).first() is None:
        raise UnknownModelError(version)


def current(connection: Connection) -> Model | None:
    """The model that reads, if one was promoted."""
    return _one(connection.execute(select(model).where(model.c.state == ModelState.CURRENT)).mappings().first())


def find(connection: Connection, version: str) -> Model | None:
    """The model with this version, if it is registered."""
    return _one(connection.execute(select(model).where(model.c.version == version)).mappings().first())


def every(connection: Connection) -> list[Model]:
    """All registered models, in order of registration."""
    return [_model(row) for row in connection.execute(select(model).order_by(model.c.id)).mappings()]


def _one(row: RowMapping | None) -> Model | None:
    return None if row is None else _model(row)


def _model(row: RowMapping) -> Model:
    return Model(**{**row, "state": ModelState(row["state"])})
