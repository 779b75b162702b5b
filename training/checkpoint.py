"""What a training keeps so that it can go on after a kill: tensors, and a few facts as JSON.

Two files. The tensors have a name of their own for each step; `checkpoint.json` names them, with their SHA-256, and is
renamed into place after they are on disk. So whatever is stopped in between, the JSON names a whole checkpoint, the old
one or the new one. Nothing is ever unpickled.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from training.errors import CheckpointError

POINTER = "checkpoint.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Tensors by name, and what JSON can say."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def write(folder: Path, checkpoint: Checkpoint, name: str) -> None:
    """Keep a checkpoint in place of the last one.

    Args:
        folder: of the training.
        checkpoint: what to keep; tensors on any device.
        name: differs from the last checkpoint's.
    """
    data = save({key: tensor.detach().cpu().contiguous() for key, tensor in checkpoint.tensors.items()})
    file = f"checkpoint-{name}.safetensors"
    pointer = {"file": file, "sha256": hashlib.sha256(data).hexdigest(), "facts": checkpoint.facts}
    write_durably(folder / file, data)
    write_durably(folder / POINTER, json.dumps(pointer, indent=1).encode())
    for old in folder.glob("checkpoint-*"):
        if old.name != file:
            old.unlink()


def read(folder: Path) -> Checkpoint | None:
    """The checkpoint in a folder; None without one.

    Raises:
        CheckpointError: it is not what was written.
    """
    try:
        pointer = json.loads((folder / POINTER).read_bytes())
        # Only the name counts: whatever the JSON says, nothing outside the folder is read.
        data = (folder / Path(pointer["file"]).name).read_bytes()
        expected, facts = pointer["sha256"], dict(pointer["facts"])
    except FileNotFoundError as error:
        if not (folder / POINTER).exists():
            return None
        raise _spoiled(folder) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _spoiled(folder) from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise _spoiled(folder)
    return Checkpoint(tensors=load(data), facts=facts)


def forget(folder: Path) -> None:
    """Remove the checkpoint of a training that has ended."""
    (folder / POINTER).unlink(missing_ok=True)
    for file in folder.glob("checkpoint-*"):
        file.unlink()


def random_state() -> dict[str, Tensor]:
    """The state of torch's random generators, as tensors."""
    states = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["random.cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_state(tensors: Mapping[str, Tensor]) -> None:
    """Go on drawing where `random_state` stood."""
    torch.set_rng_state(tensors["random.cpu"])
    if torch.cuda.is_available() and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])


def _spoiled(folder: Path) -> CheckpointError:
    return CheckpointError(f"the checkpoint in {folder} is not what was written; train anew with another --out")


def write_durably(path: Path, data: bytes) -> None:
    """Write aside, synchronise, rename, synchronise the folder; what was half-written does not stay."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
