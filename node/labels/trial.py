"""A trial of a lexicon as it stands, for a page, a program and a command."""

from dataclasses import dataclass
from datetime import datetime

from db import lexicon_trials
from db.engine import Connection
from db.lexicon_trials import LexiconTrial

SHOWN = 20
"""So many, the newest, are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial; `runs` while it is under way. Its `outcome` has what would change, without sentences of reports."""

    runs: bool
    trial: LexiconTrial

    @property
    def line(self) -> str:
        """What came of it, or how far it is."""
        it = self.trial
        if it.outcome is not None:
            return f"{it.outcome['changed']:,} of {it.outcome['compared']:,} reports would change"
        return it.error or f"{it.done:,} of {it.total:,} reports are mined{'' if self.runs else '; it was broken off'}"


def newest(connection: Connection, now: datetime, limit: int = SHOWN) -> list[Trial]:
    """The last trials, the newest first."""
    return [as_of(each, now) for each in lexicon_trials.newest(connection, limit)]


def find(connection: Connection, trial_id: int, now: datetime) -> Trial | None:
    """A trial by its number."""
    found = lexicon_trials.find(connection, trial_id)
    return None if found is None else as_of(found, now)


def as_of(trial: LexiconTrial, now: datetime) -> Trial:
    """A trial at a moment."""
    return Trial(runs=trial.runs(now), trial=trial)
