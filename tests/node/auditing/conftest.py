"""Collectors for audit messages, at free ports."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.node.auditing.collector import Listening

Start = Callable[..., Listening]


@pytest.fixture
def listening() -> Iterator[Start]:
    """Starts collectors, and ends them."""
    started: list[Listening] = []

    def start(**how: Any) -> Listening:
        started.append(Listening(**how))
        return started[-1]

    yield start
    for each in started:
        each.close()
