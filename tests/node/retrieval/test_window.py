"""When images may be brought in."""

from datetime import datetime

import pytest

from node.retrieval.window import Pace, parsed


@pytest.mark.parametrize(
    ("text", "at", "is_open"),
    [
        ("20:00-06:00", "19:59", False),
        ("20:00-06:00", "20:00", True),
        ("20:00-06:00", "00:00", True),
        ("20:00-06:00", "05:59", True),
        ("20:00-06:00", "06:00", False),
        ("08:00-09:30", "09:29", True),
        ("08:00-09:30", "09:30", False),
        ("08:00-09:30", "07:59", False),
    ],
)
def test_window_is_open(text: str, at: str, is_open: bool):
    """From its begin to before its end, also over midnight."""
    assert parsed(text).is_open(datetime.fromisoformat(f"2026-11-22T{at}+01:00")) is is_open


@pytest.mark.parametrize(("at", "opens"), [("12:00", "2026-11-22 20:00"), ("21:00", "2026-11-23 20:00")])
def test_window_says_when_it_opens(at: str, opens: str):
    """Today if that is to come, else tomorrow."""
    said = parsed("20:00-06:00").opens(datetime.fromisoformat(f"2026-11-22T{at}+01:00"))

    assert f"{said:%Y-%m-%d %H:%M}" == opens


def test_pace_is_even():
    """At 30 a minute the first goes at once, each next one 2 s after the last; time that passed is not waited for."""
    clock = [100.0]
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    pace = Pace(30, lambda: clock[0], wait)
    pace()
    pace()
    clock[0] += 0.5
    pace()
    clock[0] += 60
    pace()

    assert waited == [2.0, 1.5]
