"""Starting real programs on loopback and ending them, by process id."""

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

HOST = "127.0.0.1"
NOT_INSTALLED = "is not installed: run deploy/peers/install"


def require(name: str, *candidates: Path) -> Path:
    """The first of the paths that exists; else skip the test (CXR_REQUIRE_PEERS=1 makes that a failure)."""
    for candidate in candidates:
        if candidate.exists():
            return candidate
    pytest.skip(f"{name} {NOT_INSTALLED}")


def fetched(name: str) -> Path:
    """Where `deploy/peers/install` puts what it fetches from npm."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cxr-node" / name


PORTS = range(10_000, 32_000)
"""Below those that Linux deals out for port 0 and to outgoing connections (ip_local_port_range)."""
_ports = itertools.cycle(PORTS)
next(itertools.islice(_ports, os.getpid() * 7919 % len(PORTS), None))  # processes side by side begin far apart


def free_port() -> int:
    """A loopback port that nothing listens on, and that nobody is given before the caller listens on it."""
    return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def listens(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are there now."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def wait_until(true: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Ask every 20 ms until the answer is yes; past the timeout raise TimeoutError, which says `what`."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"after {timeout_s} s: {what}")
        time.sleep(0.02)


class Peer:
    """A program of somebody else's, in the background, with its output in a log file.

    `start` may be called again after `stop` or `kill`: same command, same port, same folder.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        ready: Callable[[], bool],
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self._command = [str(part) for part in command]
        self._ready = ready
        self._log = log
        self._environment = {**os.environ, "TCP_NODELAY": "1", **(environment or {})}
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and not ended by us."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process id; only while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, timeout_s: float = 60) -> None:
        """Start the program and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
            )
        try:
            wait_until(self._ready_or_dead, timeout_s=timeout_s, what=f"{self._command[0]} is not ready")
        except TimeoutError:
            self.kill()
            raise

    def stop(self, *, timeout_s: float = 60) -> None:
        """Ask the program to end (SIGTERM) and wait for it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout_s)
            self._process = None

    def kill(self) -> None:
        """End the program at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _ready_or_dead(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            ending = self._log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self._command[0]} ended with {self._process.returncode}: {ending}")
        return self._ready()
