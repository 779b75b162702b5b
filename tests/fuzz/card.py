"""Fuzz the card of a model that is taken in."""

import tempfile
from contextlib import suppress
from pathlib import Path

from inference import bundle
from inference.errors import BundleError
from tests.bundles import tiny_card


def seeds() -> list[bytes]:
    """The card of the model that is shipped, and a short one."""
    return [(bundle.STARTER / bundle.CARD).read_bytes(), tiny_card().model_dump_json().encode()]


def check(data: bytes) -> None:
    """The card is one, or a sentence says why not."""
    with tempfile.TemporaryDirectory() as folder, suppress(BundleError):
        (Path(folder) / bundle.CARD).write_bytes(data)
        bundle.load(Path(folder))
