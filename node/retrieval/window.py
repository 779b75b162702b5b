"""When images may be brought in: a window of the day by local time, and so many studies a minute."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From `begin` to before `end`, each day; over midnight where it ends earlier than it begins."""

    begin: time
    end: time

    def is_open(self, at: datetime) -> bool:
        """Whether a local time is in it."""
        clock = at.time()
        if self.begin < self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end

    def opens(self, at: datetime) -> datetime:
        """When it opens next, after a local time that is outside."""
        today = at.replace(hour=self.begin.hour, minute=self.begin.minute, second=0, microsecond=0)
        return today if today > at else today + timedelta(days=1)


def parsed(text: str) -> Window:
    """The window that a setting such as "20:00-06:00" means."""
    begin, _, end = text.partition("-")
    return Window(begin=time.fromisoformat(begin), end=time.fromisoformat(end))


class Pace:
    """Lets at most so many through a minute, evenly.

    Args:
        per_minute: how many.
        clock: seconds, that only go forward.
        wait: sleeps so many of them.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float], wait: Callable[[float], object]) -> None:
        self._every_s = 60 / per_minute
        self._clock = clock
        self._wait = wait
        self._next: float | None = None

    def __call__(self) -> None:
        """Wait for the next one's turn."""
        now = self._clock()
        if self._next is not None and self._next > now:
            self._wait(self._next - now)
            now = self._next
        self._next = now + self._every_s
