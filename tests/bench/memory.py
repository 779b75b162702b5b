"""What a server holds in memory while it is at work."""

import contextlib
from pathlib import Path

from tests.peers.processes import children


class Memory:
    """Resident memory of a server and the processes that it forks, in MB (10^6 bytes), from /proc.

    The server's own peak is the kernel's (VmHWM, reset by `baseline`); of its children only what is not shared
    counts, as sampled.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = 0.0
        self._children = 0.0

    def baseline(self) -> float:
        """Forget the peak until now; what the server holds."""
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")
        self._before = _status_mb(self._pid, "VmRSS")
        return self._before

    def sample(self) -> None:
        """Look at the children once."""
        held = 0.0
        for pid in children(self._pid):
            with contextlib.suppress(OSError):
                held += _status_mb(pid, "RssAnon")
        self._children = max(self._children, held)

    def growth(self) -> float:
        """The peak since the baseline, over the baseline."""
        return _status_mb(self._pid, "VmHWM") - self._before + self._children


def _status_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
