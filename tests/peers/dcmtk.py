"""DCMTK's tools as the modality, and dciodvfy as the judge of what is written."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import pydicom
import pytest
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.peers.processes import HOST, require

Result = subprocess.CompletedProcess[str]

DCIODVFY = (Path(sys.executable).with_name("dciodvfy"), Path("/usr/bin/dciodvfy"))
"""Where it is: it comes with the `dev` extra, beside the interpreter."""

MAXIMUM_CONTEXTS = 128
"""Presentation contexts in one association: odd numbers of one byte (DICOM PS3.8 9.3.2.2)."""


class Storescu(Protocol):
    """Send files by C-STORE over one association, each in the transfer syntax it has."""

    def __call__(
        self,
        files: Iterable[Path],
        *,
        port: int,
        host: str = HOST,
        called_ae: str = "ANY-SCP",
        calling_ae: str = "STORESCU",
        timeout_s: float = 120,
    ) -> Result: ...


class Echoscu(Protocol):
    """Send one C-ECHO."""

    def __call__(
        self, *, port: int, host: str = HOST, called_ae: str = "ANY-SCP", calling_ae: str = "ECHOSCU"
    ) -> Result: ...


class Tool(Protocol):
    """Run a command line tool on what is given."""

    def __call__(self, *arguments: str | Path) -> Result: ...


def tool(name: str) -> Path:
    """A tool of DCMTK by its full path: other packages bring tools of the same name."""
    return require(f"DCMTK's {name}", Path("/usr/bin") / name)


def run(command: Sequence[str | Path], *, timeout_s: float = 60) -> Result:
    """Run to the end, with Nagle's algorithm off in DCMTK (else 45 ms a small message); output as text."""
    return subprocess.run(
        [str(part) for part in command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env={"TCP_NODELAY": "1", "PATH": "/usr/bin:/bin"},
        timeout=timeout_s,
    )


def association_profile(files: Iterable[Path]) -> str:
    """A DCMTK association profile "AsIs": one presentation context for each SOP Class and transfer syntax.

    The options of storescu propose one compressed syntax a run; a profile proposes what the files are in.
    """
    pairs = sorted({pair for path in files for pair in _pairs(path)})
    if len(pairs) > MAXIMUM_CONTEXTS:
        raise ValueError(f"{len(pairs)} presentation contexts do not fit in one association; send fewer files")
    syntaxes = sorted({syntax for _, syntax in pairs})
    lines = ["[[TransferSyntaxes]]"]
    for number, syntax in enumerate(syntaxes):
        lines += [f"[T{number}]", f"TransferSyntax1 = {syntax}"]
    lines += ["[[PresentationContexts]]", "[Files]"]
    for number, (sop_class, syntax) in enumerate(pairs, start=1):
        lines.append(f"PresentationContext{number} = {sop_class}\\T{syntaxes.index(syntax)}")
    lines += ["[[Profiles]]", "[AsIs]", "PresentationContexts = Files"]
    return "\n".join(lines) + "\n"


def _pairs(path: Path) -> list[tuple[str, str]]:
    try:
        ds = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=["SOPClassUID"])
        sop_class = str(ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID") or "")
        syntax = ds.file_meta.get("TransferSyntaxUID")
    except (InvalidDicomError, AttributeError, ValueError, EOFError, OSError):
        return []
    if not sop_class:
        return []
    if syntax:
        return [(sop_class, str(syntax))]
    return [(sop_class, ExplicitVRLittleEndian), (sop_class, ImplicitVRLittleEndian)]


@pytest.fixture
def storescu() -> Storescu:
    """DCMTK storescu as the modality. It goes on after a file that is refused or cannot be read."""
    program = tool("storescu")

    def send(
        files: Iterable[Path],
        *,
        port: int,
        host: str = HOST,
        called_ae: str = "ANY-SCP",
        calling_ae: str = "STORESCU",
        timeout_s: float = 120,
    ) -> Result:
        paths = list(files)
        with tempfile.NamedTemporaryFile("w", suffix=".cfg") as profile:
            profile.write(association_profile(paths))
            profile.flush()
            options = ["-v", "-nh", "-xf", profile.name, "AsIs", "-aec", called_ae, "-aet", calling_ae]
            return run([program, *options, host, str(port), *paths], timeout_s=timeout_s)

    return send


@pytest.fixture
def echoscu() -> Echoscu:
    """DCMTK echoscu; exit code 0 is a C-ECHO that was answered."""
    program = tool("echoscu")

    def echo(*, port: int, host: str = HOST, called_ae: str = "ANY-SCP", calling_ae: str = "ECHOSCU") -> Result:
        return run([program, "-v", "-to", "5", "-aec", called_ae, "-aet", calling_ae, host, str(port)])

    return echo


@pytest.fixture
def dsrdump() -> Tool:
    """DCMTK dsrdump: reads a Structured Report and prints its tree."""
    program = tool("dsrdump")
    return lambda *arguments: run([program, *arguments])


@pytest.fixture
def dciodvfy() -> Tool:
    """David Clunie's dciodvfy: prints a line with Error for what breaks the standard."""
    program = require("dciodvfy", *DCIODVFY)
    return lambda *arguments: run([program, *arguments])
