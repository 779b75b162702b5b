"""The labels of a study as the numbers that a network learns.

What people said (gold) comes before what is mined or published, by the policy in force. A report that may repeat the
node's own result is left out, unless asked for; so is one that says nothing (empty, in another language, not mined).

Positive is 1, uncertain NaN, negative 0. What a mined report does not mention is 0, as the paper has it (Wang et al.
2017, section 2.1). Where only a person labelled a study, what they did not speak of is NaN, unless they said Normal.
"""

import math
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from db import gold, labels, reports
from db.engine import Connection
from db.gold import GoldByFinding
from db.label_records import MinedReport, States
from db.report_records import PUBLISHED, MinerIdentity
from db.vocabulary import NORMAL, Assertion

_VALUES = {Assertion.POSITIVE: 1.0, Assertion.NEGATIVE: 0.0, Assertion.UNCERTAIN: math.nan}
Known = dict[int, tuple[States, tuple[float, ...] | None]]
"""Labels by the identity of their states, which are kept with them: reports that say the same share them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for. `policy` is the miner's in force; `after_result` takes reports that may repeat the node."""

    findings: tuple[str, ...]
    policy: str
    after_result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledStudy:
    """The labels of a study as numbers, where they are from, and whether a report of it may repeat the node."""

    labels: tuple[float, ...]
    provenance: str
    after_result: bool


def of_studies(connection: Connection, wanted: Wanted, left_out: Counter[str]) -> dict[int, LabelledStudy]:
    """The labels in force of every study that has some, by its row id; `left_out` counts why others have none."""
    repeating = reports.after_results(connection)
    said = gold.every(connection)
    found: dict[int, LabelledStudy] = {}
    any_gold = bool(said.of_studies or said.of_reports)
    known: Known = {}

    def label(study_id: int, every: Sequence[MinedReport]) -> None:
        used = [each for each in every if _counts(each, repeating, wanted, left_out)]
        people = said.of([each.name for each in every], [study_id]) if any_gold else {}
        if not used and not people:
            left_out["studies without labels"] += 1
            return
        values = _values(used, people, wanted.findings, known)
        if values is None:
            left_out["studies with nothing but uncertain labels"] += 1
            return
        found[study_id] = LabelledStudy(
            labels=values,
            provenance=_provenance(people, used, wanted.findings),
            after_result=bool(repeating) and any((each.report_id, study_id) in repeating for each in used),
        )

    with_reports = set()
    for study_id, group in groupby(labels.mined_of_studies(connection), key=itemgetter(0)):
        with_reports.add(study_id)
        label(study_id, tuple(group))
    for study_id in sorted(said.of_studies.keys() - with_reports):
        label(study_id, ())
    return found


def _values(
    used: Sequence[MinedReport], people: GoldByFinding, findings: Sequence[str], known: Known
) -> tuple[float, ...] | None:
    """The labels of a study as numbers; None if all are uncertain."""
    if len(used) == 1 and not people:  # nearly always, and many reports say the same
        states = used[0].states
        if id(states) not in known:
            known[id(states)] = states, _unless_nan(numbers(states, findings, silent_is_absent=True))
        return known[id(states)][1]
    mined = labels.together([each.states for each in used])
    states, said_normal = labels.in_force(mined, False, people)
    return _unless_nan(numbers(states, findings, silent_is_absent=bool(used) or said_normal))


def _unless_nan(values: tuple[float, ...]) -> tuple[float, ...] | None:
    return None if all(math.isnan(value) for value in values) else values


def numbers(states: States, findings: Sequence[str], *, silent_is_absent: bool) -> tuple[float, ...]:
    """States as labels to train on, one a finding."""
    silent = 0.0 if silent_is_absent else math.nan
    return tuple(_VALUES[states[name]] if name in states else silent for name in findings)


def _counts(report: MinedReport, repeating: Set[tuple[int, int]], wanted: Wanted, left_out: Counter[str]) -> bool:
    """Whether a report's labels are taken; if not, why not is counted."""
    if report.miner is None:
        left_out["reports not mined yet"] += 1
    elif not report.readable:
        left_out["reports that cannot be mined"] += 1
    elif report.miner == PUBLISHED:
        return True
    elif report.miner.policy != wanted.policy:
        left_out["reports mined by another policy"] += 1
    elif not wanted.after_result and (report.report_id, report.study_id) in repeating:
        left_out["reports written after the result"] += 1
    else:
        return True
    return False


def _provenance(people: GoldByFinding, used: Sequence[MinedReport], findings: Sequence[str]) -> str:
    """Where labels are from, in a few words: the miners and their policy, "published", "gold"; no person's name."""
    from_ = dict.fromkeys(_miner(each.miner) for each in used if each.miner is not None)
    if people and any(name in people for name in (*findings, NORMAL)):
        from_["gold"] = None
    return " + ".join(from_)


@lru_cache
def _miner(miner: MinerIdentity) -> str:
    return "published" if miner == PUBLISHED else f"mined {miner.lexicon_version} {miner.rules_version} {miner.policy}"
