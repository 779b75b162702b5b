"""The sizing page is what its script prints."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def printed() -> str:
    """What the command prints."""
    command = [sys.executable, str(ROOT / "deploy" / "sizing.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_page_is_the_output_of_its_script():
    """Whoever changes a figure prints the page again."""
    assert printed() == (ROOT / "deploy" / "sizing.md").read_text("utf-8")


def test_ten_hospitals_by_hand():
    """600 images a day and hospital, 15 % of them in an hour: 6,000 a day are 0.25 a second, and 21.9 TB a year."""
    (row,) = [line for line in printed().splitlines() if line.startswith("| 10 |")]

    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["6,000", "0.25"]
    # 0.25 x (0.039 + 0.35) + 0.25 x 10 / 333 + 0.25 / 1.5 / 230 = 0.1055 core seconds a second, of 60 % of a core
    assert float(cells[4]) == pytest.approx(0.2)
    assert float(cells[7]) == pytest.approx(21.9)


def test_growth_by_hand():
    """One worker reads 5 studies a second, and so 259,200 in 60 % of a day; four read 10."""
    found = [
        {"receivers": 1, "workers": 1, "received_per_s": 80.0, "read_per_s": 5.0},
        {"receivers": 2, "workers": 2, "received_per_s": 80.0, "read_per_s": 8.0},
        {"receivers": 2, "workers": 4, "received_per_s": 80.0, "read_per_s": 10.0},
    ]
    grown = {"machine": "two cores", "cores": 2, "studies": 500, "associations": 8, "side": 1024, "found": found}

    text = runpy.run_path(str(ROOT / "deploy" / "sizing.py"))["growth"](grown, 0.6)

    assert "| 2 | 4 | 80.0 | 10.0 | 2.00 |" in text
    assert "reads 259,200 such studies a day" in text
    assert "4 workers on 2 cores read 2.0 times as much" in text
