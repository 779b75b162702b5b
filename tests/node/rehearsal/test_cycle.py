"""A rehearsal that cannot go on says why, and does not wait for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.dicom.archive import Archive
from node.rehearsal import cycle
from node.rehearsal.cycle import Choices, Scene
from node.rehearsal.department import studies
from node.rehearsal.peers import RehearsalError
from tests.nodes import StartNode, chest, push


@contextmanager
def closing_archive(folder: Path) -> Iterator[Archive]:
    """A PACS that gets nothing."""
    pacs = Archive(folder)
    yield pacs
    pacs.stop()


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


def test_results_that_do_not_come(start_node: StartNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node without a model sends nothing, and the sentence says why."""
    monkeypatch.setattr(cycle, "PATIENCE_S", 1.0)
    node = start_node(**{"reading.model": tmp_path / "no-model"})
    choices = Choices(out=tmp_path, studies=1, seed=0, pixels=64)
    with closing_archive(tmp_path) as pacs:
        scene = Scene(choices=choices, node=node, pacs=pacs, act=lambda _: None, say=lambda _: None)

        with pytest.raises(RehearsalError, match=r"has no results of the study: .*not a folder"):
            cycle.show(scene, next(studies(1)), "before")


def test_report_of_nothing(start_node: StartNode) -> None:
    """Fewer studies than were sent are not passed over."""
    with pytest.raises(RehearsalError, match="of 1 studies 0 were read, and 0 reports linked"):
        cycle.wait_until_idle(start_node(), 1, lambda _: None)
