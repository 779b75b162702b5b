"""Commands that run as if on another machine: its own name, its own kernel as far as that says who it is."""

import subprocess
import uuid
from pathlib import Path

import pytest

from node.incoming import KERNEL

ENTER = 'hostname "$0" && mount --bind "$1" "$2" && shift 2 && exec "$@"'


def on(name: str, folder: Path) -> list[str]:
    """What runs a command on the host of this name; the folder keeps its kernel's name. Skips where nobody may."""
    kernel = folder / "kernel"
    kernel.write_text(f"{uuid.uuid4()}\n")
    within = ["unshare", "--map-root-user", "--uts", "--mount", "sh", "-c", ENTER, name, str(kernel), str(KERNEL)]
    asked = subprocess.run([*within, "hostname"], capture_output=True, text=True, check=False)
    if asked.stdout.strip() != name:
        pytest.skip(f"this machine lets nobody play another host: {asked.stderr.strip()}")
    return within
