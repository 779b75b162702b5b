"""A whole cluster on this machine: the processes of deploy/Procfile, which can be killed and started one by one."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.peers.processes import wait_until

PROGRAMS = {"cxr": [sys.executable, "-m", "node"], "celery": [sys.executable, "-m", "celery"]}


def procfile() -> dict[str, list[str]]:
    """The command of each process; `node` is the embedded node, all in one."""
    lines = (ROOT / "deploy" / "Procfile").read_text().splitlines()
    pairs = [line.split(":", 1) for line in lines if line and not line.startswith("#")]
    return {"node": ["cxr", "serve"]} | {name: shlex.split(command) for name, command in pairs}


class Cluster:
    """The processes of the Procfile, with the settings of one file; a name may be started more than once.

    Args:
        folder: for settings and logs.
        settings: TOML.
        within: what runs each command.
    """

    def __init__(self, folder: Path, settings: str, within: Sequence[str] = ()) -> None:
        self._folder = folder
        self._within = within
        self.config = folder / "node.toml"
        self.config.write_text(settings)
        self._commands = procfile()
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        """Start these processes, or all of the cluster's; `inference:2` is a second one of that line."""
        for name in names or [each for each in self._commands if each != "node"]:
            program, *arguments = self._commands[name.partition(":")[0]]
            arguments = [part.replace("%h", f"{name}-{os.getpid()}") for part in arguments]
            with self.log(name).open("ab") as log:
                self._running[name] = subprocess.Popen(
                    [*self._within, *PROGRAMS[program], *arguments],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "CXR_CONFIG": str(self.config), "PYTHONPATH": str(ROOT)},
                    start_new_session=True,
                )

    def log(self, name: str) -> Path:
        """What a process said."""
        return self._folder / f"{name.replace(':', '-')}.log"

    def wait_until_said(self, name: str, words: str, timeout_s: float = 60) -> None:
        """Wait until a process has said this."""
        wait_until(
            lambda: words in self.log(name).read_text(errors="replace"),
            timeout_s=timeout_s,
            what=f"{name} did not say {words!r}: {self.log(name).read_text(errors='replace')[-1000:]}",
        )

    def supervise(self) -> None:
        """Start again what has ended by itself, as systemd and a container's engine do (`deploy/`)."""
        for name in [name for name, process in self._running.items() if process.poll() is not None]:
            self.start(name)

    def pid(self, name: str) -> int:
        """The process id."""
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """End a process at once, as a power cut would."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def kill_all(self) -> None:
        """End them all at once, and then see that they have ended."""
        for process in self._running.values():
            process.kill()
        for process in self._running.values():
            process.wait()
        self._running.clear()

    def stop(self) -> None:
        """End them all, politely, then at once."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def ask(self, *arguments: str) -> str:
        """The output of a `cxr` command on the same settings."""
        command = [sys.executable, "-m", "node", *arguments, "--config", str(self.config)]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@contextmanager
def running(folder: Path, settings: str, *names: str, within: Sequence[str] = ()) -> Iterator[Cluster]:
    """A cluster whose processes, or these of them, are started and in the end stopped."""
    cluster = Cluster(folder, settings, within)
    try:
        cluster.start(*names)
        yield cluster
    finally:
        cluster.stop()


def toml(**tables: dict[str, Any]) -> str:
    """Settings as TOML: a table for each argument, a list of tables for `destinations`."""
    lines: list[str] = []
    for name, table in tables.items():
        rows = table if isinstance(table, list) else [table]
        for row in rows:
            lines.append(f"[[{name}]]" if isinstance(table, list) else f"[{name}]")
            lines += [f"{key} = {_value(value)}" for key, value in row.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'
