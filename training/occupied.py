"""The folder of a training is one training's at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.bundle import CARD
from training.errors import OccupiedError, TrainingError

LOCK = ".lock"
MODEL = "model"
"""The bundle, in the training's folder."""


@contextmanager
def occupied(out: Path) -> Iterator[None]:
    """Hold a training's folder, which is made if it is not there.

    The lock is the system's: it ends with its process, however that ends, so a kill leaves nothing to clear away. On a
    volume that hosts share it is the volume's; an NFS server takes that of a host that is gone back after 90 s or so.

    Raises:
        OccupiedError: another training holds it.
        TrainingError: it is a model's own folder, which what training writes would break.
    """
    if (out / CARD).exists():
        raise TrainingError(f"{out} is a model's folder; name another --out")
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OccupiedError(
                f"another training is at work in {out}; wait until it ends, or name another --out"
            ) from error
        yield
