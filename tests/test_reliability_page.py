"""Every promise of docs/reliability.md has a test or a benchmark that is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.bench.reliability import ROWS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
PROMISES = dict(re.findall(r"^\| ([RLBS]\d+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE))
"""What shows each row."""


def test_every_row_is_there():
    """None is left out, and each is there once."""
    expected = [
        f"{letter}{number}" for letter, last in zip("RLBS", (8, 7, 6, 11), strict=True) for number in range(1, last + 1)
    ]

    assert list(PROMISES) == expected


@pytest.mark.parametrize("row", PROMISES)
def test_what_shows_a_row_is_there(row: str):
    """Each test that is named can be run, and what is measured has its row in the benchmark."""
    tests = re.findall(r"`(tests/\S+\.py)::(\w+)`", PROMISES[row])
    measured = re.findall(r"`tests\.bench\.reliability (\w+)`", PROMISES[row])

    assert tests or measured
    assert [f"{path}::{name}" for path, name in tests if name not in functions(path)] == []
    assert measured == ([row] if row in ROWS else [])


@cache
def functions(path: str) -> set[str]:
    """The functions of a module, as pytest would collect them; none of a file that it does not look into."""
    module = ROOT / path
    if not module.name.startswith("test_") or not module.exists():
        return set()
    return {each.name for each in ast.parse(module.read_text("utf-8")).body if isinstance(each, ast.FunctionDef)}
