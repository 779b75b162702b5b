"""A synthetic department has patients who come again, with findings that stay, change or go."""

import re
from collections import Counter
from itertools import islice

import pytest

from node.rehearsal.department import ROOMS, SyntheticStudy, studies
from node.rehearsal.signs import FINDINGS


@pytest.fixture(scope="module")
def history() -> list[SyntheticStudy]:
    """The 500 studies of `cxr rehearse`."""
    return list(studies(500))


def test_same_seed_is_the_same_department(history: list[SyntheticStudy]) -> None:
    """Studies are the same to the last UID, however many are asked for; another seed shares none of them."""
    assert list(islice(studies(600), 500)) == history
    assert not {each.study_instance_uid for each in studies(50, seed=1)} & {each.study_instance_uid for each in history}


def test_identifiers_are_valid_and_their_own(history: list[SyntheticStudy]) -> None:
    """UIDs, accession numbers and patient ids fit their fields and are not shared."""
    assert len({each.study_instance_uid for each in history}) == 500
    assert len({each.accession_number for each in history}) == 500
    assert all(len(each.accession_number) <= 16 for each in history)
    assert all(re.fullmatch(r"2\.25\.[1-9]\d{0,38}", each.study_instance_uid) for each in history)


def test_patients_come_again_with_their_own_anatomy(history: list[SyntheticStudy]) -> None:
    """A later study is of the same body, after the one before."""
    later = [each for each in history if each.before]

    assert len(later) > 100
    assert all(each.before and each.before.patient == each.patient for each in later)
    assert all(each.before and each.before.taken_at < each.taken_at for each in later)
    assert max(Counter(each.patient.patient_id for each in history).values()) > 2


def test_every_finding_is_there_to_learn(history: list[SyntheticStudy]) -> None:
    """Each finding has tens of studies, nearly half have none, and every room has many."""
    counts = Counter(name for each in history for name in each.findings)

    assert min(counts[name] for name in FINDINGS) > 30
    assert 150 < sum(not each.signs for each in history) < 250
    assert all(sum(each.room == room for each in history) > 80 for room in ROOMS)
