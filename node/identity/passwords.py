"""Passwords of people: which are good enough, and how one is kept and compared (Argon2id, RFC 9106)."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from zxcvbn import zxcvbn  # type: ignore[import-untyped]

from node.errors import SettingsError

SHORTEST = 12
LONGEST = 1000
GOOD = 3
"""Of zxcvbn's 0 to 4: more than a hundred million guesses."""
JUDGED = 72
"""Characters that zxcvbn looks at."""
SITE_WORDS = ("radiology", "radiologist", "hospital", "chest", "cxrnode")

_hasher = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RGl2NlPqCvEWTBAQwSUBUvVwG8HbS3zlKh0GvYzbKMY"
"""What an unknown name's password is compared with, so that it takes as long as a known one's."""
_at_once = threading.BoundedSemaphore(2)
"""A comparison takes 64 MiB: many at once must not take the memory of the images."""


def require_good(password: str, name: str) -> None:
    """Refuse a password that is soon guessed.

    Raises:
        SettingsError: it is too short, or one of the first that anybody would try.
    """
    if len(password) < SHORTEST:
        raise SettingsError(f"the password is too short; take {SHORTEST} characters or more")
    if len(password) > LONGEST:
        raise SettingsError(f"the password is too long; take at most {LONGEST} characters")
    if zxcvbn(password[:JUDGED], [name, *SITE_WORDS])["score"] < GOOD:
        raise SettingsError("the password is soon guessed; take a few words that do not belong together")


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password that `kept` was made of; for None, or nothing, it takes as long, and never is."""
    if len(password) > LONGEST:
        return False
    with _at_once:
        try:
            return _hasher.verify(kept or _NOBODY, password) and bool(kept)
        except VerifyMismatchError:
            return False
