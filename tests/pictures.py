"""Draw the documentation's chord diagram, from reports that are made up and mined as any other.

Run it: python -m tests.pictures docs/pictures/cooccurrence.png
"""

import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from db import tally
from db.report_records import MinerIdentity
from db.vocabulary import EIGHT
from nlp import miner, parser
from nlp.aggregate import Policy
from node.labels import chord
from tests.db.label_rows import counted

REPORTS = 2_000
CHANCES: tuple[tuple[float, dict[str, float]], ...] = (
    (0.45, {}),
    (
        0.16,
        {"The heart is enlarged.": 0.9, "There is a small left pleural effusion.": 0.6, "Basilar atelectasis.": 0.3},
    ),
    (
        0.15,
        {"Right lower lobe pneumonia.": 0.5, "Patchy infiltrate is seen.": 0.8, "A pleural effusion is present.": 0.3},
    ),
    (0.08, {"There is a mass in the left upper lobe.": 0.6, "A nodule is seen.": 0.7, "Lobar atelectasis.": 0.4}),
    (0.06, {"There is a right pneumothorax.": 0.9, "Bibasilar atelectasis.": 0.5, "A pleural effusion is seen.": 0.3}),
    (0.10, {"Linear atelectasis at the bases.": 0.7, "An infiltrate is seen.": 0.3, "Small nodule.": 0.2}),
)
"""What is wrong with a patient, how often; and how often each sentence is then said."""


def report(chance: random.Random) -> str:
    """One report."""
    (said,) = chance.choices([each for _, each in CHANCES], [often for often, _ in CHANCES])
    sentences = [sentence for sentence, often in said.items() if chance.random() < often]
    return "Findings: " + " ".join(sentences or ["The lungs are clear. No pleural effusion or pneumothorax."])


def main() -> None:
    """Write, mine, count, draw."""
    chance = random.Random(2017)
    reader = miner.load(parser.MODEL)
    sets: Counter[frozenset[str]] = Counter()
    normal = 0
    for _ in range(REPORTS):
        mined = reader.mine(reader.sections(report(chance)), Policy.CODED)
        sets[frozenset() if mined.normal else frozenset(mined.positive)] += 1
        normal += mined.normal
    identity = MinerIdentity(
        lexicon_version=mined.lexicon_version,
        rules_version=mined.rules_version,
        language_model=parser.MODEL,
        policy=mined.policy,
    )
    facts = replace(
        counted(),
        reports=REPORTS,
        labelled=REPORTS,
        with_finding=REPORTS - sets[frozenset()],
        normal=normal,
        miners=((identity, REPORTS),),
    )
    chord.draw(tally.matrix_of([finding.name for finding in EIGHT], sets, facts), Path(sys.argv[1]))


if __name__ == "__main__":
    main()
