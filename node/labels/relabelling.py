"""What mining again would change: the labels that hold against those of the miner in force."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from db.report_records import Mining
from db.vocabulary import FINDINGS

NORMAL = "Normal"
READABILITY = "readability"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One finding of one report version that would be another state.

    `finding` may also be Normal, with the states yes and no, or readability. `rule_id` and `sentence` are those of the
    new deciding mention; where nothing is left that decides, the rule of a mention that is kept without a state, or
    none, and the sentence that decided before.
    """

    report_id: int
    finding: str
    old: str
    new: str
    rule_id: str
    sentence: str


@dataclass(slots=True, kw_only=True)
class Relabelling:
    """All changes of a comparison. `first` counts the reports that nobody has mined before; they change nothing."""

    compared: int = 0
    first: int = 0
    changes: list[Change] = field(default_factory=list)

    def add(self, held: Mapping[int, Mining], readings: Sequence[Mining]) -> None:
        """Compare new readings with those that hold."""
        for new in readings:
            old = held.get(new.report_id)
            if old is None:
                self.first += 1
            else:
                self.compared += 1
                self.changes.extend(changes(old, new))

    def counts(self) -> list[tuple[str, str, str, int]]:
        """Finding, old state, new state, and of how many reports; in the vocabulary's order."""
        order = [*FINDINGS, NORMAL, READABILITY]
        counted = Counter((each.finding, each.old, each.new) for each in self.changes)
        return [(*key, counted[key]) for key in sorted(counted, key=lambda key: (order.index(key[0]), *key[1:]))]

    @property
    def changed(self) -> int:
        """How many reports would say something else."""
        return len({each.report_id for each in self.changes})


def changes(old: Mining, new: Mining) -> Iterator[Change]:
    """The findings of a report on which two readings do not agree."""
    for finding in FINDINGS:
        if old.state(finding) is not new.state(finding):
            rule_id, sentence = _why(finding, old, new)
            yield Change(
                report_id=new.report_id,
                finding=finding,
                old=old.state(finding),
                new=new.state(finding),
                rule_id=rule_id,
                sentence=sentence,
            )
    for name, before, after in (
        (NORMAL, _word(old.normal), _word(new.normal)),
        (READABILITY, old.readability, new.readability),
    ):
        if before != after:
            yield Change(report_id=new.report_id, finding=name, old=before, new=after, rule_id="", sentence="")


def _why(finding: str, old: Mining, new: Mining) -> tuple[str, str]:
    if finding in new.labels:
        mention = new.mentions[new.labels[finding]]
        return mention.rule_id, mention.sentence
    for mention in new.mentions:
        if mention.finding == finding:
            return mention.rule_id, mention.sentence
    return "", old.mentions[old.labels[finding]].sentence


def _word(normal: bool) -> str:
    return "yes" if normal else "no"
