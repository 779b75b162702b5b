"""Lines that are kept open for a moment, so that the objects of many studies share one.

A line is lent to one user at a time and comes back when he is done. One that nobody took for a while is closed, and
one that broke is never lent again.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, ParamSpec, Protocol, TypeVar

IDLE_S = 3.0
"""How long a line stays open without work."""


class Closable(Protocol):
    """A line."""

    @property
    def alive(self) -> bool:
        """Whether it can still be used."""

    def close(self) -> None:
        """End it in good order if it is alive."""

    def abort(self) -> None:
        """End it at once, in whatever state it is."""


LineT = TypeVar("LineT", bound=Closable)
WantedP = ParamSpec("WantedP")
"""What a line is asked for with."""


class Lines(ABC, Generic[WantedP, LineT]):
    """One peer, and the lines to it that nobody uses now; how one is opened is a subclass's."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._free: dict[LineT, threading.Timer] = {}
        self._lock = threading.Lock()
        self._closed = False

    @abstractmethod
    def _open(self, *wanted: WantedP.args, **named: WantedP.kwargs) -> LineT:
        """Open one.

        Raises:
            UnreachableError: there is no way to the peer now.
        """

    def _serves(self, line: LineT, *wanted: WantedP.args, **named: WantedP.kwargs) -> bool:
        """Whether an open line will do."""
        del line, wanted, named
        return True

    @contextmanager
    def line(self, *wanted: WantedP.args, **named: WantedP.kwargs) -> Iterator[LineT]:
        """A line that serves, for as long as the context lasts; opened if none is free."""
        line = self._taken(*wanted, **named) or self._open(*wanted, **named)
        try:
            yield line
        except BaseException:
            line.abort()
            raise
        self._give_back(line)

    def close(self) -> None:
        """Close the lines; what is lent now is closed when it comes back."""
        with self._lock:
            self._closed = True
            lines = list(self._free)
        for line in lines:
            self._end(line)

    def _taken(self, *wanted: WantedP.args, **named: WantedP.kwargs) -> LineT | None:
        while True:
            with self._lock:
                line = next(iter(self._free), None)
                if line is None:
                    return None
                self._free.pop(line).cancel()
            if line.alive and self._serves(line, *wanted, **named):
                return line
            line.close()

    def _give_back(self, line: LineT) -> None:
        timer = threading.Timer(self._idle_s, self._end, [line])
        timer.daemon = True
        with self._lock:
            keep = line.alive and not self._closed
            if keep:
                self._free[line] = timer
        if keep:
            timer.start()
        else:
            line.close()

    def _end(self, line: LineT) -> None:
        with self._lock:
            timer = self._free.pop(line, None)
        if timer is not None:
            timer.cancel()
            line.close()
