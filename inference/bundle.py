"""A model on disk: a folder with `model.onnx` and `card.json`, checked whole before it serves.

`weights.safetensors` may lie beside them, for training to go on from; nothing that serves opens it. Nothing is ever
unpickled: a pickle can run code, and is refused by name before a byte of it is read.
"""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from inference.card import Card
from inference.errors import BundleError

STARTER = Path(__file__).parent / "models" / "starter"
"""The model shipped with the project."""

MODEL = "model.onnx"
WEIGHTS = "weights.safetensors"
CARD = "card.json"
KNOWN = {MODEL, CARD, "README.md", WEIGHTS}
MAX_CARD_BYTES = 4 * 1024 * 1024
PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib", ".npy", ".npz"}
"""Kinds of files that are, or may hold, pickles."""
WRITTEN_ONCE = "The folder exists already; a bundle is written once."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A checked model: its folder and its card."""

    path: Path
    card: Card

    @property
    def model(self) -> Path:
        """The ONNX graph: `image` (N, 3, S, S) to `logits` (N, C) and `cam` (N, C, S', S')."""
        return self.path / MODEL

    @property
    def weights(self) -> Path | None:
        """The tensors to train on from, if the bundle has them."""
        return self.path / WEIGHTS if WEIGHTS in self.card.files else None


def load(path: Path) -> Bundle:
    """Open a bundle and check it.

    Raises:
        BundleError: something is missing, altered, unknown or a pickle; the text says what.
    """
    if not path.is_dir():
        raise BundleError("The model bundle is not a folder.")
    names = {entry.relative_to(path).as_posix() for entry in path.rglob("*")}
    _refuse_strangers(names)
    for name in sorted(names):
        if (path / name).is_symlink() or not (path / name).is_file():
            raise BundleError(f"{name} is not a plain file; a bundle holds nothing else.")
    card = _read_card(path)
    if MODEL not in card.files:
        raise BundleError(f"The card does not list {MODEL}.")
    for name, expected in card.files.items():
        if name not in names:
            raise BundleError(f"The bundle lacks {name}, which its card lists.")
        if sha256(path / name) != expected:
            raise BundleError(f"{name} is not the file its card was written for: the SHA-256 differs.")
    unlisted = sorted(names - set(card.files) - {CARD})
    if unlisted:
        raise BundleError(f"The card does not list {unlisted[0]}.")
    return Bundle(path=path, card=card)


def write(path: Path, card: Card, files: dict[str, bytes]) -> Bundle:
    """Write a bundle, whole or not at all; the card's `files` are filled in here.

    Raises:
        BundleError: the folder exists already (a bundle never changes), or a file does not belong in one.
    """
    if path.exists():
        raise BundleError(WRITTEN_ONCE)
    _refuse_strangers(set(files))
    card = card.model_copy(update={"files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}})
    with part_of(path) as part:
        for name, data in {**files, CARD: card.model_dump_json(indent=2).encode() + b"\n"}.items():
            write_durably(part / name, io.BytesIO(data))
        bundle = load(part)
        try:
            part.rename(path)
        except OSError as error:
            if path.exists():  # another process was faster
                raise BundleError(WRITTEN_ONCE) from error
            raise
        sync_folder(path.parent)
    return Bundle(path=path, card=bundle.card)


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A folder to write in beside `path`, to be renamed to it; what is not renamed is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    part.chmod(0o755)  # the node may run as another user than whoever writes here
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_durably(path: Path, source: BinaryIO) -> None:
    """Write a file, on disk when this returns."""
    with path.open("wb") as stream:
        shutil.copyfileobj(source, stream)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(path: Path) -> None:
    """Bring a folder's names to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_strangers(names: set[str]) -> None:
    for name in sorted(names):
        if Path(name).suffix.lower() in PICKLES:
            raise BundleError(
                f"{name} may be a pickle, which can run code; it was not opened. Export the model to ONNX."
            )
    for name in sorted(names - KNOWN):
        raise BundleError(f"{name} does not belong in a model bundle.")


def _read_card(path: Path) -> Card:
    try:
        if (path / CARD).stat().st_size > MAX_CARD_BYTES:
            raise BundleError(f"{CARD} is larger than a model card ever is.")
        return Card.model_validate_json((path / CARD).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(f"The bundle lacks {CARD}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the card"
        raise BundleError(f"{CARD} is not a model card: {place}: {first['msg']}.") from error
