"""A `cxr` command that ends with whoever started it, and stands back meanwhile: `python -m node.learning.leash WORDS`.

Its standard input is held open by its starter and never written to. However the starter ends, by kill -9 as well, the
system closes it, and this process ends at once: a training goes on from its checkpoint, under whoever has its job then.
"""

import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NICE = 10
"""How far it stands back for reception and reading."""
PROGRAM = (sys.executable, "-P", "-m", "node.learning.leash")
END_S = 10.0
"""How long a process may take to end when it is asked to."""


@contextmanager
def leashed(
    arguments: Sequence[str], said: Path, program: Sequence[str] = PROGRAM
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command of `cxr` as long as the block; what it says to a person goes to the end of a file."""
    path = os.pathsep.join(each or str(Path.cwd()) for each in sys.path)
    with said.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 - our own module, and no shell
            [*program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=file,
            env=os.environ | {"PYTHONPATH": path},
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def hold() -> None:
    """Stand back, and end this process when its standard input ends."""
    os.nice(NICE)
    threading.Thread(target=_watch, name="leash", daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    hold()
    runpy.run_module("node", run_name="__main__", alter_sys=True)
