"""The labels in force as records: of a report, of a study, and what mining alone says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from db.gold import GoldByFinding, ReportName
from db.report_records import MinerIdentity
from db.vocabulary import Assertion

States = Mapping[str, Assertion]
"""The state of each finding that has one: positive, uncertain or negative. One that is absent is unmentioned."""

READABLE = "mined"
"""The readability of a report that could be mined; any other says why it has no labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMining:
    """The mining of a report that holds. The evidence of a label is the mention of this mining and finding."""

    id: int
    miner: MinerIdentity
    readability: str
    normal: bool
    states: States


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLabels:
    """The labels in force of one report; `report_id` is its current version.

    `mining` is None where it is not mined yet. `gold` has what people said, by finding; what they said is in `states`
    and `normal` already.
    """

    report_id: int
    name: ReportName
    accession_number: str
    study_ids: tuple[int, ...]
    mining: HeldMining | None
    gold: GoldByFinding
    states: States
    normal: bool

    @property
    def readable(self) -> bool:
        """Whether the report was mined and had a text that can be."""
        return self.mining is not None and self.mining.readability == READABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLabels:
    """The labels in force of one study, with the reports they are from; none, where only people labelled it."""

    study_id: int
    study_instance_uid: str
    accession_number: str
    reports: tuple[ReportLabels, ...]
    gold: GoldByFinding
    states: States
    normal: bool


class MinedReport(NamedTuple):
    """A report that counts, of one study it is linked to, and what the mining that holds says, gold left aside.

    A tuple, because all of a site's are read at once; `miner` is None where it is not mined yet.
    """

    study_id: int
    report_id: int
    name: ReportName
    miner: MinerIdentity | None
    readable: bool
    states: States


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """How many reports have no part in the labels, because of what their current version is."""

    cancelled: int
    other_examination: int
