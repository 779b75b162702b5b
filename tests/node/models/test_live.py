"""The days of which live images are compared."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from node.models.live import begin_of


def test_days_begin_at_the_sites_midnight() -> None:
    """Also over the night in which the clocks are put forward."""
    now, berlin = datetime(2026, 3, 30, 0, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin")

    assert begin_of(1, now, berlin).astimezone(UTC) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert begin_of(2, now, berlin).astimezone(UTC) == datetime(2026, 3, 28, 23, tzinfo=UTC)
