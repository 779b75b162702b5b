"""Reading an image where its codec cannot harm: a poison image costs itself, never the process that reads it.

A codec is C code that meets whatever a peer sent: it may die, never end, or take all memory. So compressed pixel data
are decoded in a process of their own (`inference/processes.py`), which lives on from image to image. Uncompressed ones
meet no codec and are taken as they lie, here; and so is the header, which Python reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pydicom

from db.vocabulary import Reason
from inference import image_file, pixels
from inference.errors import NotReadable
from inference.image import Image, Stored
from inference.image_file import Opened, opened_plainly
from inference.policy import Policy
from inference.processes import Limits, Lost, Processes

LIMITS = Limits(item_s=60.0, memory_bytes=2 << 30)
"""Of one image. The largest that the pixel budget lets through, in colour and 32-bit samples, takes 0.6 GB twice."""
PIXEL_DATA = "(7FE0,0010)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Pixel data to decode, of at most so many pixels; their bytes are the ones that were read with the header."""

    ds: pydicom.Dataset
    max_pixels: int


def decode(task: Task) -> Stored | NotReadable:
    """Decode pixel data, or say what is the matter with them; for a process of its own."""
    try:
        return pixels.decode(task.ds, max_pixels=task.max_pixels)
    except NotReadable as error:
        return error


Decode = Callable[[Task], Stored | NotReadable]


class Isolated:
    """Reads images; its processes are started with the first compressed one."""

    def __init__(self, size: int, limits: Limits = LIMITS, decode: Decode = decode) -> None:
        """Start nothing yet.

        Args:
            size: how many threads may read at once.
            limits: what an image may cost.
            decode: what a process does; it is in a module, for a process to import.
        """
        self._processes = Processes(decode, size, limits)

    def begin(self) -> None:
        """Start a process before there is anything to read; returns at once."""
        self._processes.begin()

    def read(
        self,
        path: Path,
        policy: Policy | None,
        max_pixels: int,
        *,
        opened: Opened = opened_plainly,
    ) -> Image:
        """Read a file (see `inference.image_file.read`).

        Raises:
            NotReadable: whatever is the matter with it; `undecodable`, if a process died of it.
            ProcessError: no process can be started.
        """
        return image_file.read(path, policy, max_pixels, decoded=self._stored, opened=opened)

    def close(self) -> None:
        """End the processes."""
        self._processes.close()

    def _stored(self, ds: pydicom.Dataset, max_pixels: int) -> Stored:
        pixels.check(ds, max_pixels=max_pixels)
        if not pixels.needs_codec(ds):
            return pixels.decode(ds, max_pixels=max_pixels)
        task = Task(ds=pixels.bare(ds), max_pixels=max_pixels)
        answer = self._processes.submit(task).result()
        if isinstance(answer, Lost) and not answer.late:
            # It may have died of something else, such as the system's want of memory.
            answer = self._processes.submit(task).result()
        if isinstance(answer, Lost):
            raise NotReadable(Reason.UNDECODABLE, f"The process that decoded the pixel data {answer.why}.", PIXEL_DATA)
        if isinstance(answer, NotReadable):
            raise answer
        return answer
