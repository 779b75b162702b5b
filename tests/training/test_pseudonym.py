"""Patients stand under names that only the site can make."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.db.races import race
from training import pseudonym
from training.errors import SnapshotError
from training.pseudonym import Pseudonyms, patient_key


def test_the_secret_is_made_once_and_is_the_owners(tmp_path: Path) -> None:
    """The first call makes the secret, readable by its owner only; later ones name patients the same."""
    first = pseudonym.of_site(tmp_path).of("P1")

    again = pseudonym.of_site(tmp_path).of("P1")

    (path,) = tmp_path.iterdir()
    assert first == again
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "P1" not in first
    assert len(first) == 32


def test_two_sites_name_a_patient_differently(tmp_path: Path) -> None:
    """Without the site's secret a pseudonym cannot be made of an id."""
    names = set()
    for site in ("a", "b"):
        (tmp_path / site).mkdir()
        names.add(pseudonym.of_site(tmp_path / site).of("P1"))

    assert len(names) == 2


def test_processes_that_begin_together_share_the_secret(tmp_path: Path) -> None:
    """Whoever is first has made the secret."""
    names = race(8, lambda _: pseudonym.of_site(tmp_path).of("P1"))

    assert len(set(names)) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "\u00e9"])
def test_a_damaged_secret_is_refused(tmp_path: Path, text: str) -> None:
    """A secret that is none is not replaced in silence: every patient would have another name."""
    (tmp_path / pseudonym.KEY_FILE).write_text(text)

    with pytest.raises(SnapshotError, match="restore it from a backup"):
        pseudonym.of_site(tmp_path)


def test_the_secret_does_not_show() -> None:
    """It is in no representation that a log could hold."""
    assert "73656372" not in repr(Pseudonyms(b"secret"))
    assert "secret'" not in repr(Pseudonyms(b"secret"))


def test_known_hmac() -> None:
    """RFC 4231, test case 2, cut to 128 bits."""
    assert Pseudonyms(b"Jefe").of("what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"


@given(st.text())
def test_padding_does_not_make_another_patient(patient_id: str) -> None:
    """Case, blanks around and leading zeros do not count, and a second look changes nothing."""
    key = patient_key(patient_id)

    assert patient_key(f" 00{key} ") == key or not key
    assert patient_key(key) == key


@pytest.mark.parametrize(("patient_id", "key"), [("", ""), ("  ", ""), ("000", "0"), ("0012a ", "12A")])
def test_patient_keys(patient_id: str, key: str) -> None:
    """An id of zeros is an id; blanks are none."""
    assert patient_key(patient_id) == key
