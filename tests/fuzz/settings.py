"""Fuzz the settings file."""

import tempfile
from contextlib import suppress
from pathlib import Path

from node import settings
from node.errors import SettingsError

EXAMPLE = Path(__file__).parents[2] / "deploy" / "node.toml"
FILE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "node.toml"


def seeds() -> list[bytes]:
    """The example of an installation, and a short file."""
    return [
        EXAMPLE.read_bytes(),
        b'data = "x"\n[dicom]\nport = 104\n[[dicom.peers]]\nae_title = "A"\naddresses = ["::1"]',
    ]


def check(data: bytes) -> None:
    """The settings can be used, or a sentence says why not."""
    FILE.write_bytes(data)
    with suppress(SettingsError):
        settings.load(FILE)
