"""The system page: how much there is in each state, and what waits for a person. Nothing of a patient."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import Response

from db.engine import Database
from node.console.access import Visit
from node.console.facts import Facts, gather
from node.console.frame import Frame
from node.console.words import DELIVERY_STATES, JOB_KINDS, JOB_STATES, REPORT_STATUSES, STUDY_STATES, WORRYING


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How much there is in a state, in one column or several; `worrying` if it waits for a person."""

    words: str
    numbers: tuple[int, ...]
    worrying: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The page, the part of it that renews itself, and the answer for a machine that watches."""

    database: Database
    data: Path
    frame: Frame

    def show(self, visit: Visit) -> Response:
        """For a person."""
        return self._with_counts("system.html", visit)

    def counts(self, visit: Visit) -> Response:
        """The counts alone."""
        return self._with_counts("counts.html", visit)

    def _with_counts(self, template: str, visit: Visit) -> Response:
        facts = gather(self.database, self.data)
        return self.frame.page(template, visit, model=facts.model, free_bytes=facts.free_bytes, **tables(facts))


def tables(facts: Facts) -> dict[str, Any]:
    """The facts in the order and the words in which a person reads them."""
    destinations = sorted({name.rpartition(".")[0] for name in facts.deliveries})
    return {
        "studies": _rows(STUDY_STATES, [facts.studies]),
        "job_kinds": list(JOB_KINDS.values()),
        "jobs": _rows(JOB_STATES, [_under(facts.jobs, kind) for kind in JOB_KINDS]),
        "deliveries": {name: _rows(DELIVERY_STATES, [_under(facts.deliveries, name)]) for name in destinations},
        "reports": _rows(REPORT_STATUSES, [facts.reports]),
    }


def _rows(states: Mapping[str, str], columns: Iterable[Mapping[str, int]]) -> list[Count]:
    columns = list(columns)
    rows = []
    for state, words in states.items():
        numbers = tuple(column.get(state, 0) for column in columns)
        rows.append(Count(words=words, numbers=numbers, worrying=state in WORRYING))
    return rows


def _under(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """The counts named `prefix.state`, by state."""
    return {name.rpartition(".")[2]: count for name, count in counts.items() if name.rpartition(".")[0] == prefix}
