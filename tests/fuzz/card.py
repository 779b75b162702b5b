"""Fuzz the card of a model that is taken in."""

import tempfile
from contextlib import suppress
from pathlib import Path

from inference import bundle
from inference.errors import BundleError

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))


def seeds() -> list[bytes]:
    """The card of the model that is shipped."""
    return [(bundle.STARTER / bundle.CARD).read_bytes()]


def check(data: bytes) -> None:
    """The card is one, or a sentence says why not."""
    (FOLDER / bundle.CARD).write_bytes(data)
    with suppress(BundleError):
        bundle.load(FOLDER)
