"""The edge suite: what reports say in ways that mislead, with the judgements of a careful reader."""

import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from nlp.aggregate import NORMAL, MinedReport, Policy, states
from nlp.miner import Miner

SUITE = tomllib.loads(Path(__file__).with_name("edge_suite.toml").read_text(encoding="utf-8"))
STATES = {"+": "positive", "-": "negative", "?": "uncertain", "0": "unmentioned"}


def holds(judgement: str, mined: MinedReport) -> bool:
    """Say whether a report was judged as the suite has it."""
    name, sign = judgement[:-1], judgement[-1]
    if name == NORMAL:
        return mined.normal is (sign == "+")
    state = states(mined)[name]
    return state != "positive" if sign == "!" else state == STATES[sign]


def wrong(miner: Miner, category: str) -> tuple[list[str], int]:
    """Mine a category's texts; say which judgements fail, and how many there are."""
    policy = Policy.STRICT if category.endswith("-strict") else Policy.CODED
    failures, number = [], 0
    for text, judgements in SUITE[category].items():
        mined = miner.mine(miner.sections(text), policy)
        for judgement in judgements.split():
            number += 1
            if not holds(judgement, mined):
                failures.append(f"{judgement}: {text}")
    return failures, number


@pytest.mark.parametrize("category", list(SUITE))
def test_a_category_is_read_as_a_careful_reader_would(miner: Miner, category: str) -> None:
    """At most one judgement in ten of any category is missed."""
    failures, number = wrong(miner, category)

    assert len(failures) <= number / 10, failures


def test_the_whole_suite_is_read_right_to_97_percent(miner: Miner) -> None:
    """The suite has 200 judgements or more, and at most 3 in 100 are missed."""
    results = {category: wrong(miner, category) for category in SUITE}
    total = sum(number for _, number in results.values())
    failures = [failure for missed, _ in results.values() for failure in missed]

    assert total >= 200
    assert len(failures) <= 0.03 * total, failures


if __name__ == "__main__":
    from nlp import miner as module

    scores: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    made = module.load()
    for category in SUITE:
        failures, number = wrong(made, category)
        print(f"{category:16s} {number - len(failures):3d} / {number}", *failures, sep="\n    ")
        scores["all"] = (scores["all"][0] + number - len(failures), scores["all"][1] + number)
    right, number = scores["all"]
    print(f"{'all':16s} {right:3d} / {number}  {right / number:.1%}")
