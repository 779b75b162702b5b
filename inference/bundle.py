"""A model on disk: a folder with `model.onnx` and `card.json`, checked whole before it serves.

Nothing in it is ever unpickled: a pickle can run code, and is refused by name before a byte of it is read.
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from inference.card import Card
from inference.errors import BundleError

STARTER = Path(__file__).parent / "models" / "starter"
"""The model shipped with the project."""

MODEL = "model.onnx"
CARD = "card.json"
KNOWN = {MODEL, CARD, "README.md", "weights.safetensors"}
PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib", ".npy", ".npz"}
"""Kinds of files that are, or may hold, pickles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A checked model: its folder and its card."""

    path: Path
    card: Card

    @property
    def model(self) -> Path:
        """The ONNX graph: `image` (N, 3, S, S) to `logits` (N, C) and `cam` (N, C, S', S')."""
        return self.path / MODEL


def load(path: Path) -> Bundle:
    """Open a bundle and check it.

    Raises:
        BundleError: something is missing, altered, unknown or a pickle; the text says what.
    """
    if not path.is_dir():
        raise BundleError("The model bundle is not a folder.")
    names = {entry.relative_to(path).as_posix() for entry in path.rglob("*") if not entry.is_dir()}
    _refuse_strangers(names)
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
        raise BundleError("The folder exists already; a bundle is written once.")
    _refuse_strangers(set(files))
    card = card.model_copy(update={"files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        for name, data in {**files, CARD: card.model_dump_json(indent=2).encode() + b"\n"}.items():
            _write_durably(part / name, data)
        part.chmod(0o755)
        bundle = load(part)
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Bundle(path=path, card=bundle.card)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_strangers(names: set[str]) -> None:
    for name in sorted(names):
        if Path(name).suffix.lower() in PICKLES:
            raise BundleError(
                f"{name} may be a pickle, which can run code; it was not opened. Export the model to ONNX."
            )
        if name not in KNOWN:
            raise BundleError(f"{name} does not belong in a model bundle.")


def _read_card(path: Path) -> Card:
    try:
        return Card.model_validate_json((path / CARD).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(f"The bundle lacks {CARD}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the card"
        raise BundleError(f"{CARD} is not a model card: {place}: {first['msg']}.") from error


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
