"""A rehearsal that cannot go on says why, and does not wait for ever."""

import pytest

from node.rehearsal import cycle
from node.rehearsal.peers import RehearsalError
from tests.nodes import StartNode, chest, push


def test_job_that_went_wrong(start_node: StartNode) -> None:
    """An image that cannot be decoded ends it with the job's own sentence."""
    node = start_node()
    broken = chest()
    broken.PixelData = broken.PixelData[:100]
    push(node, broken)

    with pytest.raises(RehearsalError, match="a read job went wrong: "):
        cycle.wait_until_idle(node, 1, lambda _: None)


def test_nothing_that_moves(start_node: StartNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study that nobody reads is not waited for beyond patience."""
    monkeypatch.setattr(cycle, "PATIENCE_S", 0.1)
    node = start_node(**{"reading.workers": 0})
    push(node, chest())

    with pytest.raises(RehearsalError, match="nothing has moved"):
        cycle.wait_until_idle(node, 1, lambda _: None)


def test_report_of_nothing(start_node: StartNode) -> None:
    """Fewer studies than were sent are not passed over."""
    with pytest.raises(RehearsalError, match="of 1 studies 0 were read, and 0 reports linked"):
        cycle.wait_until_idle(start_node(), 1, lambda _: None)
