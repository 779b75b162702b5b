"""An attempt to log in by the identity provider is known again, and no other."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.identity.attempt import Attempts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ATTEMPTS = Attempts(secret="known to the node")


def test_an_attempt_is_known_again_by_its_cookie():
    """By any process that has the secret; nonce and verifier are not in what the browser holds."""
    attempt, cookie = ATTEMPTS.begin(NOW)

    assert Attempts(secret="known to the node").known(cookie, attempt.state, NOW + timedelta(minutes=9)) == attempt
    assert attempt.nonce not in cookie
    assert attempt.verifier not in cookie
    assert len(attempt.verifier) == 43  # RFC 7636 4.1: 43 to 128 characters
    assert len({attempt.state, attempt.nonce, attempt.verifier}) == 3


@pytest.mark.parametrize("later", [timedelta(minutes=11), -timedelta(minutes=11)])
def test_an_attempt_ends(later: timedelta):
    """After ten minutes, whatever the clock did."""
    attempt, cookie = ATTEMPTS.begin(NOW)

    assert ATTEMPTS.known(cookie, attempt.state, NOW + later) is None


def test_another_browsers_attempt_is_not_known():
    """Nor one that another node began."""
    attempt, _ = ATTEMPTS.begin(NOW)
    _, mine = ATTEMPTS.begin(NOW)
    _, foreign = Attempts(secret="of another node").begin(NOW)

    assert ATTEMPTS.known(mine, attempt.state, NOW) is None
    assert ATTEMPTS.known(foreign, foreign.partition(".")[0], NOW) is None


@given(cookie=st.text(max_size=80), state=st.text(max_size=60))
def test_what_a_browser_makes_up_is_not_known(cookie: str, state: str):
    """Whatever it is; nor is a cookie that was changed."""
    attempt, own = ATTEMPTS.begin(NOW)

    assert ATTEMPTS.known(cookie, state, NOW) is None
    assert ATTEMPTS.known(f"{own}{cookie or '.'}", attempt.state, NOW) is None
