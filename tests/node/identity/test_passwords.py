"""Passwords of people."""

import pytest
from argon2 import PasswordHasher, extract_parameters

from node.errors import SettingsError
from node.identity import passwords

GOOD = "lamp otter granite seven"


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("lamp otter", "too short"),
        ("x" * 1001, "too long"),
        ("password1234", "soon guessed"),
        ("123456789012", "soon guessed"),
        ("anna.meier2026", "soon guessed"),
        ("Radiology2026", "soon guessed"),
    ],
)
def test_a_bad_password_is_refused_with_a_sentence(password: str, words: str) -> None:
    """Which never repeats it."""
    with pytest.raises(SettingsError, match=words) as refusal:
        passwords.require_good(password, "anna.meier")

    assert password not in str(refusal.value)


def test_a_password_is_kept_as_argon2id_and_found_again() -> None:
    """With a salt of its own, so that two of the same are not alike."""
    passwords.require_good(GOOD, "anna")
    kept, again = passwords.hashed(GOOD), passwords.hashed(GOOD)

    assert kept.startswith("$argon2id$")
    assert kept != again
    assert passwords.matches(GOOD, kept)
    assert not passwords.matches(GOOD + "!", kept)


def test_nobodys_password_takes_the_same_work() -> None:
    """The hash that stands in for an unknown name has the parameters of a real one, and nothing matches it."""
    assert extract_parameters(passwords._NOBODY) == extract_parameters(PasswordHasher().hash(GOOD))
    assert not passwords.matches("", None)
    assert not passwords.matches(GOOD, None)
