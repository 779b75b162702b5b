"""What the tests let processes do; a process imports it from here."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from inference import archive, isolation
from inference.archive import Decoded, Task
from inference.errors import NotReadable
from inference.image import Stored
from inference.processes import Processes

POISONED_COLUMNS, LOOPING_COLUMNS, GROWING_COLUMNS = 98, 100, 102
"""An image of so many columns is poison: its codec dies, never ends, or takes memory without end."""
PID_FILE = "CXR_TEST_PID_FILE"
"""Names, in the environment, the file in which the process that decodes leaves its number."""
KEPT: list[Processes[None, int]] = []


def half(number: int) -> int:
    """Half of an even number; an odd one kills whoever halves it, and a negative one takes a minute."""
    if number < 0:
        time.sleep(60)
    if number % 2:
        os.abort()
    return number // 2


def process_id(seconds: float | None) -> int:
    """Who works, after so long."""
    time.sleep(seconds or 0)
    return os.getpid()


def starter(_: None) -> int:
    """Start a process and leave it behind."""
    KEPT.append(Processes(process_id, 1))
    number = KEPT[-1].submit(None).result()
    assert isinstance(number, int)
    return number


def is_alive(number: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def decode_or_die(task: Task) -> Decoded | NotReadable:
    """As `archive.decode` does, but for a file that is called so."""
    if task.path.name == "poison.png":
        os.abort()
    return archive.decode(task)


def black_or_die(job: tuple[Path, str, int]) -> np.ndarray:
    """A black image, as `training.cache.decode` would give it, but for a file that is called so."""
    if job[0].name == "3.png":
        os.abort()
    return np.zeros((8, 8), dtype=np.uint8)


def poisoned(task: isolation.Task) -> Stored | NotReadable:
    """A codec that dies, loops or takes memory without end, as the image's columns say."""
    match task.ds.Columns:
        case 98:
            os.kill(os.getpid(), signal.SIGSEGV)
        case 100:
            while True:
                pass
        case 102:
            kept = []
            while True:
                kept.append(np.ones(1 << 20))
    if PID_FILE in os.environ:
        Path(os.environ[PID_FILE]).write_text(str(os.getpid()))
    return isolation.decode(task)
