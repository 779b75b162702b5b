"""What another file of the lexicon or of the rules would change: trials that people asked for, and what came of them.

One runs at a time, whichever console was asked: mining takes a processor. A trial whose process ended says nothing more
of itself, and after a while counts as ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, select, update

from db import audit
from db.engine import queue_for
from db.schema import lexicon_trial

SILENT = timedelta(minutes=2)
"""After so long without a word from it a trial has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LexiconTrial:
    """A trial. `outcome` is what it found in the end; `error` why there is none."""

    id: int
    file: str
    content: str
    actor: str
    asked_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    total: int
    done: int
    error: str | None
    outcome: Mapping[str, Any] | None

    def runs(self, now: datetime) -> bool:
        """Whether it is under way."""
        return self.ended_at is None and self.seen_at > now - SILENT


def begin(
    connection: Connection, *, file: str, content: str, total: int, actor: str, now: datetime
) -> LexiconTrial | None:
    """Write down that a trial of so many reports begins; None if another is under way."""
    queue_for(connection, "lexicon trial")
    running = select(lexicon_trial.c.id).where(_is_open(), lexicon_trial.c.seen_at > now - SILENT)
    if connection.execute(running.limit(1)).first() is not None:
        return None
    values = {"file": file, "content": content, "actor": actor, "asked_at": now, "seen_at": now, "total": total}
    statement = lexicon_trial.insert().values(**values, done=0).returning(lexicon_trial)
    row = connection.execute(statement).mappings().one()
    audit.append(connection, actor=actor, action="lexicon.try", subject=f"trial {row['id']}", now=now)
    return _trial(row)


def go_on(connection: Connection, trial_id: int, done: int, now: datetime) -> bool:
    """Write down how far it is; False if somebody has stopped it."""
    statement = update(lexicon_trial).where(lexicon_trial.c.id == trial_id, _is_open())
    return connection.execute(statement.values(done=done, seen_at=now)).rowcount == 1


def end(
    connection: Connection,
    trial_id: int,
    now: datetime,
    *,
    outcome: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> bool:
    """Write down what came of it; False if it had ended before, and then nothing is written."""
    statement = update(lexicon_trial).where(lexicon_trial.c.id == trial_id, _is_open())
    return connection.execute(statement.values(ended_at=now, outcome=outcome, error=error)).rowcount == 1


def stop(connection: Connection, trial_id: int, actor: str, now: datetime) -> bool:
    """Have it end where it is; False if it had ended before."""
    stopped = end(connection, trial_id, now, error=f"{actor} stopped it.")
    if stopped:
        audit.append(connection, actor=actor, action="lexicon.stop", subject=f"trial {trial_id}", now=now)
    return stopped


def find(connection: Connection, trial_id: int) -> LexiconTrial | None:
    """A trial by its number."""
    row = connection.execute(select(lexicon_trial).where(lexicon_trial.c.id == trial_id)).mappings().one_or_none()
    return None if row is None else _trial(row)


def newest(connection: Connection, limit: int) -> list[LexiconTrial]:
    """The last trials, the newest first."""
    query = select(lexicon_trial).order_by(lexicon_trial.c.id.desc()).limit(limit)
    return [_trial(row) for row in connection.execute(query).mappings()]


def _is_open() -> ColumnElement[bool]:
    return lexicon_trial.c.ended_at.is_(None)


def _trial(row: RowMapping) -> LexiconTrial:
    return LexiconTrial(**row)
