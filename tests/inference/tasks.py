"""What the tests let processes do; a process imports it from here."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pydicom

from inference import archive, isolation
from inference.archive import Decoded, Task
from inference.errors import NotReadable
from inference.image import Stored
from inference.processes import Processes

POISONED_COLUMNS = 98
"""An image of so many columns is poison, whatever its file is called."""
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


def poisoned(task: isolation.Task) -> Stored | NotReadable:
    """A codec that dies, loops or takes memory without end, as the file's name or its columns say."""
    match task.path.stem:
        case "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "loops":
            while True:
                pass
        case "grows":
            kept = []
            while True:
                kept.append(np.ones(1 << 20))
        case _ if pydicom.dcmread(task.path, stop_before_pixels=True).Columns == POISONED_COLUMNS:
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leaves":
            task.path.with_suffix(".pid").write_text(str(os.getpid()))
    return isolation.decode(task)
