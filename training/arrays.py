"""Large arrays on disk: written once, whole or not at all, and mapped into memory by whoever reads them."""

import fcntl
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.errors import TrainingError

Array = npt.NDArray[Any]
GIB = 2**30


def kept(path: Path, shape: tuple[int, ...], dtype: type[np.generic], make: Callable[[], Iterator[Array]]) -> Array:
    """The array at `path`, mapped read-only; it is made first if it is not there.

    Args:
        path: an `.npy` file.
        shape, dtype: of the array.
        make: its rows, in order, some at a time; not called if the array is there.

    Raises:
        TrainingError: there is not enough room for it, or another array is there.
    """
    if not path.exists():
        with _alone(path.parent):
            if not path.exists():  # nobody made it while we waited
                _write(path, shape, np.dtype(dtype), make)
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise TrainingError(f"{path} is not what was written; remove it, and it is made again") from error
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise TrainingError(f"{path} is of another training set; remove it, and it is made again")
    return array


def _write(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], make: Callable[[], Iterator[Array]]) -> None:
    """Row after row: writing to a mapped file would kill the process if the disk were full."""
    for left in path.parent.glob(f"{path.name}.part"):
        left.unlink()  # of a training that was killed
    size = math.prod(shape) * dtype.itemsize
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise TrainingError(
            f"{path.parent} has {free / GIB:.1f} GiB free and {path.name} needs {size / GIB:.1f}; "
            "name another folder with --cache, or make it smaller with --size or --copies"
        )
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as stream:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for rows in make():
                stream.write(np.ascontiguousarray(rows, dtype=dtype).data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process makes arrays in the folder; a lock ends with its process."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
