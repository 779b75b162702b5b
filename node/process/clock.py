"""The time. Whoever needs it is given a callable, so that a test can say what time it is."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, tzinfo

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """When a day begins in a zone; None is this machine's."""
    begins = datetime.combine(day, time.min, zone)
    return begins if zone is not None else begins.astimezone()
