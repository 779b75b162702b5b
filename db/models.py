"""The registry of models: what there is, which one reads, and which one reads in its shadow.

Whoever changes it waits for whoever is changing it, so that at most one model is current and one is the shadow.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, case, select, update

from db.engine import queue_for
from db.errors import ModelStateError, UnknownModelError
from db.learning_records import Model, ModelState
from db.schema import model


def register(
    connection: Connection, *, name: str, version: str, path: str, card: Mapping[str, Any], now: datetime
) -> bool:
    """Enter a model as a candidate; a known version stays as it is. Returns whether it is new."""
    queue_for(connection, "models")
    if find(connection, version) is not None:
        return False
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
    return True


def require_current(connection: Connection, version: str | None) -> None:
    """Refuse to go on if another model reads than the one that a person looked at; none may change it from now on.

    Raises:
        ModelStateError: another one was promoted since, or rolled back.
    """
    queue_for(connection, "models")
    reads = current(connection)
    if (reads.version if reads else None) != version:
        raise ModelStateError("another model reads now than before; see `cxr models list` and begin again")


def promote(connection: Connection, version: str, *, by: str, now: datetime) -> None:
    """Make a registered model the one that reads; the one before it retires.

    Raises:
        UnknownModelError: it is not registered; roll the transaction back.
    """
    queue_for(connection, "models")
    connection.execute(update(model).where(model.c.state == ModelState.CURRENT).values(state=ModelState.RETIRED))
    _make_current(connection, version, by=by, now=now)


def previous(connection: Connection) -> Model | None:
    """The model that read before the current one: what a rollback goes back to."""
    query = (
        select(model)
        .where(model.c.state != ModelState.CURRENT, model.c.promoted_at.is_not(None))
        .order_by(model.c.promoted_at.desc(), model.c.id.desc())
        .limit(1)
    )
    return _one(connection.execute(query).mappings().first())


def roll_back(connection: Connection, to: str, *, by: str, now: datetime) -> None:
    """Take the last promotion back: `to`, which read before, reads again.

    The other one is a candidate again and keeps no promotion, so that the next rollback goes further back.

    Raises:
        ModelStateError: another model read before; roll the transaction back.
    """
    queue_for(connection, "models")
    before = previous(connection)
    if before is None or before.version != to:
        raise ModelStateError("another model read before than a moment ago; see `cxr models list` and begin again")
    undone = {"state": ModelState.CANDIDATE, "promoted_at": None, "promoted_by": None}
    connection.execute(update(model).where(model.c.state == ModelState.CURRENT).values(undone))
    _make_current(connection, to, by=by, now=now)


def cast_shadow(connection: Connection, version: str) -> None:
    """Let a model read in the shadow of the current one; the shadow before it goes back to what it was.

    Raises:
        UnknownModelError: it is not registered; roll the transaction back.
        ModelStateError: it is the current one; the same.
    """
    queue_for(connection, "models")
    found = find(connection, version)
    if found is None:
        raise UnknownModelError(version)
    if found.state is ModelState.CURRENT:
        raise ModelStateError(f"{version} is the model that reads; another one can be its shadow")
    end_shadow(connection)
    connection.execute(update(model).where(model.c.id == found.id).values(state=ModelState.SHADOW))


def end_shadow(connection: Connection) -> str | None:
    """Let no model read in the shadow any more. Returns the version of the one that did."""
    queue_for(connection, "models")
    was = case((model.c.promoted_at.is_(None), ModelState.CANDIDATE), else_=ModelState.RETIRED)
    statement = update(model).where(model.c.state == ModelState.SHADOW).values(state=was).returning(model.c.version)
    return connection.execute(statement).scalar()


def current(connection: Connection) -> Model | None:
    """The model that reads, if one was promoted."""
    return _one(connection.execute(select(model).where(model.c.state == ModelState.CURRENT)).mappings().first())


def shadow(connection: Connection) -> Model | None:
    """The model that reads in the shadow of the current one, if there is one."""
    return _one(connection.execute(select(model).where(model.c.state == ModelState.SHADOW)).mappings().first())


def find(connection: Connection, version: str) -> Model | None:
    """The model with this version, if it is registered."""
    return _one(connection.execute(select(model).where(model.c.version == version)).mappings().first())


def get(connection: Connection, version: str) -> Model:
    """The model with this version.

    Raises:
        UnknownModelError: it is not registered.
    """
    found = find(connection, version)
    if found is None:
        raise UnknownModelError(version)
    return found


def every(connection: Connection) -> list[Model]:
    """All registered models, in order of registration."""
    return [_model(row) for row in connection.execute(select(model).order_by(model.c.id)).mappings()]


def _make_current(connection: Connection, version: str, *, by: str, now: datetime) -> None:
    values = {"state": ModelState.CURRENT, "promoted_at": now, "promoted_by": by}
    promoted = update(model).where(model.c.version == version).values(values).returning(model.c.id)
    if connection.execute(promoted).first() is None:
        raise UnknownModelError(version)


def _one(row: RowMapping | None) -> Model | None:
    return None if row is None else _model(row)


def _model(row: RowMapping) -> Model:
    return Model(**{**row, "state": ModelState(row["state"])})
