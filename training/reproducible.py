"""Runs that can be had again: the same seed, snapshot and machine give the same weights."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import deterministic


@contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Seed torch, and use only operations that give the same result each time; afterwards all is as before.

    On CUDA an operation without such a form is used all the same, and torch warns of it.

    Args:
        seed: of what torch draws; numpy's generators are made from the recipe's.
        threads: of torch; 0 leaves it to torch.
    """
    before, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    memory: Any = deterministic  # its attribute is a property of the module, which mypy does not see
    threads_before, fill = torch.get_num_threads(), memory.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA is first used
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    memory.fill_uninitialized_memory = False  # nothing here reads what nobody wrote
    if threads:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads_before)
        memory.fill_uninitialized_memory = fill
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
