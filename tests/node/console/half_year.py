"""Half a year of readings beside reports, as counts by week; one finding has gone wrong of late."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np

from db import schema
from db.engine import Connection
from tests.node.console.cases import BEFORE, TODAY, VERSION

SENDERS = (("DXROOM1", "PA", 74), ("DXROOM2", "PA", 61), ("WARDXR", "AP", 48))
"""With their views, and of how many studies a week there is a report."""
SKILL = {
    "Atelectasis": (0.14, 0.62, 0.93),
    "Cardiomegaly": (0.13, 0.78, 0.95),
    "Effusion": (0.19, 0.81, 0.95),
    "Infiltration": (0.16, 0.63, 0.94),
    "Mass": (0.04, 0.60, 0.98),
    "Nodule": (0.06, 0.49, 0.96),
    "Pneumonia": (0.06, 0.52, 0.95),
    "Pneumothorax": (0.04, 0.68, 0.985),
}
"""How often each finding is reported, and the model's sensitivity and specificity against the reports."""
WEEKS = 29
SINCE = 9
"""Weeks that the model of today has read."""
WORSE = ("Infiltration", 4, 0.72)
"""A finding that the model sees too often, the weeks since then, and its specificity in these."""


def fill(connection: Connection) -> None:
    """Count; whatever is read afterwards is added to it."""
    chance = np.random.default_rng(2017)
    this_week = TODAY.date() - timedelta(days=TODAY.weekday())
    weeks = [(back, this_week - timedelta(weeks=back)) for back in range(WEEKS, 0, -1)]
    connection.execute(
        schema.concordance_count.insert(),
        [row for back, week in weeks for finding in SKILL for row in _cells(chance, back, week, finding)],
    )


def _cells(chance: np.random.Generator, back: int, week: date, finding: str) -> Iterator[dict[str, Any]]:
    """The four cells of a finding in a week, for each sender."""
    share, sensitivity, specificity = SKILL[finding]
    if finding == WORSE[0] and back < WORSE[1]:
        specificity = WORSE[2]
    for sender, view, studies in SENDERS:
        readings = int(chance.poisson(studies))
        there = int(chance.binomial(readings, share))
        hits, alarms = int(chance.binomial(there, sensitivity)), int(chance.binomial(readings - there, 1 - specificity))
        of = {"week": week, "finding": finding, "sender": sender, "view": view}
        of["model_version"] = VERSION if back < SINCE else BEFORE
        yield {**of, "present": True, "reported": True, "number": hits}
        yield {**of, "present": False, "reported": True, "number": there - hits}
        yield {**of, "present": True, "reported": False, "number": alarms}
        yield {**of, "present": False, "reported": False, "number": readings - there - alarms}
