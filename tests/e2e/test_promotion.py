"""Models come and go over a running node: every study is read by one, and its report names that one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from typer.testing import CliRunner

from db import models, results, studies
from db.records import JobKind, JobState, StudyState
from inference import image_file
from node.__main__ import app
from node.models import registration
from node.parts import Node
from node.process.clock import utc_now
from tests.bundles import write_tiny
from tests.nodes import StartNode, all_jobs, chest, push, study_of, wait_for_study
from tests.peers.pacs import StorageScp
from tests.peers.processes import wait_until

VERSIONS = ("tiny-1", "tiny-2")


@pytest.fixture
def node(start_node: StartNode, pacs: StorageScp, tmp_path: Path) -> Node:
    """A running node that serves the registry's models: tiny-1 reads, tiny-2 is a candidate."""
    started = start_node(pacs=pacs, **{"reading.model": None})
    for seed, version in enumerate(VERSIONS):
        made = write_tiny(tmp_path / "made" / version, version=version, operating_point=0.0, seed=seed)
        registration.register(started.database, made.path, started.settings.data, by="test", now=utc_now())
    with started.database.write() as connection:
        models.promote(connection, "tiny-1", by="test", now=utc_now())
    return started


def cxr(node: Node, *arguments: str) -> str:
    """Run a command beside the node, as a person would."""
    outcome = CliRunner().invoke(app, ["models", *arguments, "--data", str(node.settings.data)])
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def promote(node: Node, version: str) -> None:
    """Promote a model without comparing it."""
    cxr(node, "promote", version, "--force", "--reason", "a test", "--yes")


def reports(pacs: StorageScp, ds: Dataset) -> list[set[str]]:
    """The model versions that each report of a study names."""
    return [
        {version for version in VERSIONS if version in str(each)}
        for each in pacs.datasets()
        if each.Modality == "SR" and each.StudyInstanceUID == ds.StudyInstanceUID
    ]


def read_by(node: Node, ds: Dataset) -> set[frozenset[str]]:
    """The model versions that have read each image of a study."""
    with node.database.read() as connection:
        return {frozenset(each) for each in results.readers(connection, study_of(node, ds).id).values()}


def wait_for_jobs(node: Node, kind: JobKind, number: int) -> None:
    """Wait until so many jobs of a kind have ended."""
    wait_until(
        lambda: sum(job.kind is kind and job.state is JobState.DONE for job in all_jobs(node)) == number,
        timeout_s=20,
        what=f"not {number} {kind} jobs have ended",
    )


def test_each_study_is_read_by_one_model(node: Node, pacs: StorageScp, monkeypatch: pytest.MonkeyPatch):
    """Before, during and after a promotion each report names one model; the promoted one reads the next study."""
    before, during, after = chest(), chest(), chest()
    more = [chest(StudyInstanceUID=during.StudyInstanceUID) for _ in range(2)]
    push(node, before)
    wait_for_study(node, before, StudyState.READ)
    looks = 0

    def read(*arguments: Any, original: Callable[..., Any] = image_file.read, **named: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 2:
            promote(node, "tiny-2")  # between the first and the second image of a study
        return original(*arguments, **named)

    monkeypatch.setattr(image_file, "read", read)
    push(node, during, *more)
    wait_for_study(node, during, StudyState.READ)
    push(node, after)
    wait_for_study(node, after, StudyState.READ)

    assert pacs.wait_for(3 + 7 + 3)
    assert [reports(pacs, ds) for ds in (before, during, after)] == [[{"tiny-1"}], [{"tiny-1"}], [{"tiny-2"}]]
    assert read_by(node, during) == {frozenset({"tiny-1"})}
    assert read_by(node, after) == {frozenset({"tiny-2"})}


def test_rollback_reads_the_next_study(node: Node, pacs: StorageScp):
    """One command, without a restart, and the model before reads again."""
    promote(node, "tiny-2")
    first, second = chest(), chest()
    push(node, first)
    wait_for_study(node, first, StudyState.READ)

    cxr(node, "rollback")
    push(node, second)
    wait_for_study(node, second, StudyState.READ)

    assert pacs.wait_for(6)
    assert [reports(pacs, ds) for ds in (first, second)] == [[{"tiny-2"}], [{"tiny-1"}]]


def test_late_image_after_a_promotion_makes_a_report_of_the_new_model(node: Node, pacs: StorageScp):
    """The new report has both images, read by one model: the promoted one."""
    first = chest()
    second = chest(StudyInstanceUID=first.StudyInstanceUID)
    push(node, first)
    wait_for_study(node, first, StudyState.READ)
    promote(node, "tiny-2")

    push(node, second)
    assert pacs.wait_for(3 + 5)

    assert sorted(reports(pacs, first), key=str) == [{"tiny-1"}, {"tiny-2"}]


def test_study_waits_while_the_promoted_model_is_broken(node: Node, pacs: StorageScp):
    """The model that a person replaced does not read in its place; a rollback lets the study go on at once."""
    promote(node, "tiny-2")
    (node.settings.data / "models" / "tiny-2" / "model.onnx").write_bytes(b"spoilt")
    ds = chest()

    push(node, ds)
    wait_until(
        lambda: [job.error_code for job in all_jobs(node)] == ["no_model"], timeout_s=20, what="the study does not wait"
    )
    (waiting,) = all_jobs(node)
    cxr(node, "rollback")
    wait_for_study(node, ds, StudyState.READ)

    assert "SHA-256" in (waiting.error or "")
    assert pacs.wait_for(3)
    assert reports(pacs, ds) == [{"tiny-1"}]


def test_shadow_reads_and_sends_nothing(node: Node, pacs: StorageScp):
    """Its predictions of live studies are kept beside the current model's; the PACS gets those of the current one."""
    cxr(node, "shadow", "tiny-2")
    frontal, hand = chest(), chest(BodyPartExamined="HAND")
    del hand.AnatomicRegionSequence

    push(node, frontal)
    push(node, hand)
    wait_for_study(node, hand, StudyState.NOT_READ)
    wait_for_jobs(node, JobKind.SHADOW, 1)
    assert pacs.wait_for(3)

    assert reports(pacs, frontal) == [{"tiny-1"}]
    assert len(pacs.received) == 3
    assert read_by(node, frontal) == {frozenset(VERSIONS)}
    with node.database.read() as connection:
        assert {result.model_version for result in results.every(connection)} == {"tiny-1"}
        assert models.current(connection).version == "tiny-1"  # type: ignore[union-attr]
    assert "tiny-2 beside tiny-1 on 1 live images" in cxr(node, "compare")


def test_shadow_that_is_off_reads_no_more(node: Node):
    """Studies after that leave no job for it."""
    cxr(node, "shadow", "tiny-2")
    cxr(node, "shadow", "--off")
    ds = chest()

    push(node, ds)
    wait_for_study(node, ds, StudyState.READ)

    assert {job.kind for job in all_jobs(node)} == {JobKind.READ, JobKind.DELIVER}


def test_broken_shadow_delays_no_study(node: Node, pacs: StorageScp):
    """Results are sent as ever; the shadow's own job waits and says why, until it is off."""
    cxr(node, "shadow", "tiny-2")
    (node.settings.data / "models" / "tiny-2" / "model.onnx").unlink()
    ds = chest()

    push(node, ds)
    assert pacs.wait_for(3)

    def shadow_codes() -> list[str | None]:
        return [job.error_code for job in all_jobs(node) if job.kind is JobKind.SHADOW]

    wait_until(lambda: shadow_codes() == ["shadow_broken"], timeout_s=20, what="the shadow's job does not wait")
    assert study_of(node, ds).state is StudyState.READ


def test_promoted_shadow_reports_what_it_has_read_before(node: Node, pacs: StorageScp):
    """After its promotion a late image of another kind gives a report of the new model, though it had read the first.

    Its earlier predictions were never reported, so they are no reason to say nothing.
    """
    cxr(node, "shadow", "tiny-2")
    frontal = chest()
    push(node, frontal)
    wait_for_jobs(node, JobKind.SHADOW, 1)
    promote(node, "tiny-2")
    lateral = chest(StudyInstanceUID=frontal.StudyInstanceUID, ViewPosition="LL")
    lateral.PatientOrientation = ["P", "F"]

    push(node, lateral)

    assert pacs.wait_for(6)
    wait_until(lambda: len(reports(pacs, frontal)) == 2, timeout_s=20, what="there is no second report")
    assert sorted(reports(pacs, frontal), key=str) == [{"tiny-1"}, {"tiny-2"}]
    with node.database.read() as connection:
        assert len(studies.instances(connection, study_of(node, frontal).id)) == 2
