"""Patients are dealt 70/10/20 and never move, on both databases."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import schema, splits
from db.engine import Database
from db.vocabulary import Split
from tests.db.races import race
from tests.db.rows import NOW, later

PATIENTS = st.lists(st.lists(st.integers(0, 60).map(str), max_size=40), max_size=6)
SHARES = {Split.TRAIN: 0.7, Split.VALIDATION: 0.1, Split.TEST: 0.2}


def test_ten_patients_are_dealt_seven_one_two(database: Database):
    """Ten patients give seven to train on, one to choose by and two to test on."""
    with database.write() as connection:
        dealt = splits.deal(connection, map(str, range(10)), NOW)

    assert Counter(dealt.values()) == {Split.TRAIN: 7, Split.VALIDATION: 1, Split.TEST: 2}


@pytest.mark.parametrize(("number", "filled"), [(2, 2), (4, 3)])
def test_few_patients_fill_the_parts_soon(database: Database, number: int, filled: int):
    """Two patients can be tested on, and four fill each part."""
    with database.write() as connection:
        dealt = splits.deal(connection, map(str, range(number)), NOW)

    assert len(set(dealt.values())) == filled
    assert {Split.TRAIN, Split.TEST} <= set(dealt.values())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=PATIENTS)
def test_a_patient_never_moves_and_shares_stay_near(database: Database, batches: list[list[str]]):
    """However patients arrive, each keeps its split, and no part is off its share by more than one patient."""
    with database.write() as connection:
        connection.execute(schema.split.delete())
    first: dict[str, Split] = {}

    for number, batch in enumerate(batches):
        with database.write() as connection:
            dealt = splits.deal(connection, batch, later(number))
        for patient, split in dealt.items():
            assert first.setdefault(patient, split) is split

    with database.read() as connection:
        assert splits.every(connection) == first
    counted = Counter(first.values())
    for split, share in SHARES.items():
        assert abs(counted[split] - share * len(first)) <= 1


def test_snapshots_made_at_once_agree(database: Database):
    """Four that deal the same new patients at the same moment give them the same split."""

    def deal(number: int) -> dict[str, Split]:
        patients = [str(patient) for patient in range(40)]
        with database.write() as connection:
            return splits.deal(connection, patients if number % 2 else reversed(patients), NOW)

    dealt = race(4, deal)

    assert all(each == dealt[0] for each in dealt)
    assert Counter(dealt[0].values())[Split.TRAIN] == 28
