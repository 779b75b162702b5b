"""The time. Whoever needs it is given a callable, so that a test can say what time it is."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)
