"""What tests show, as figures: a test notes its own by `record_property("figure", ...)`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.bench.peers import ROOT


def shown(test: str, **environment: str) -> tuple[bool, str]:
    """Run one test, in an environment that has this too; whether it passed, and its figure, or why it did not pass."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-o", "junit_family=xunit1", f"--junitxml={report}", test]
        ran = subprocess.run(
            command, cwd=ROOT, env=os.environ | environment, check=False, capture_output=True, text=True
        )
        if not report.exists():
            raise RuntimeError(f"pytest said nothing: {ran.stderr[-300:]}")
        elements = list(ElementTree.parse(report).iter())
    figures = [str(each.get("value")) for each in elements if each.get("name") == "figure"]
    faults = [str(each.get("message")) for each in elements if each.tag in ("failure", "error", "skipped")]
    return ran.returncode == 0 and not faults, "; ".join(faults or figures)
