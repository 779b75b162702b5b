"""The whole cycle of a node on a synthetic department, from the first image to the model that was learnt from them.

To be read from top to bottom:

1. The department sends its history: radiographs by C-STORE, a report each by MLLP. The node has no destination yet, so
   nobody is shown what it reads, and no report can repeat it.
2. The PACS becomes a destination. The next study is read by the model that came with the node. Its report comes after
   the result, and is left out of what is learnt.
3. A person takes a snapshot, trains, evaluates, registers and promotes: one command each, in processes of their own,
   beside the running node.
4. The study after that is read by the new model; after a rollback the next one is read by the old model again.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pydicom
from PIL import Image

from db import backlog, jobs, links, snapshots, studies
from db.records import JobState
from inference import bundle
from node import wiring
from node.dicom import archive
from node.dicom.archive import Archive
from node.learning import snapshots as node_snapshots
from node.parts import Node
from node.process.clock import utc_now
from node.rehearsal import department
from node.rehearsal.department import SyntheticStudy
from node.rehearsal.message import oru
from node.rehearsal.peers import HOST, Modalities, RehearsalError, Ris, received
from node.sections.remote import DestinationSettings
from node.settings import Settings, load

Act = Callable[[Sequence[str]], None]
"""Runs one command of `cxr` as a person would; its output is shown as it comes."""
Say = Callable[[str], None]
Tell = Callable[[str], None]
"""Is told what goes on, while it does."""
Watch = Callable[[], AbstractContextManager[Tell]]
RESULTS = 3
"""What the PACS gets of a study: report, segmentation, overlay."""
LOOK_S = 0.25
PATIENCE_S = 120.0
"""For one study's results, and for anything to happen at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What is rehearsed; the last three are options of `cxr snapshot create`, `train` and `models promote`."""

    out: Path
    studies: int
    seed: int
    pixels: int
    selection: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    promotion: tuple[str, ...] = ()

    @property
    def data(self) -> Path:
        """The node's data folder."""
        return self.out / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who acts: the node, its PACS, and the department."""

    choices: Choices
    node: Node
    pacs: Archive
    act: Act
    say: Say

    @property
    def modalities(self) -> Modalities:
        """The department's, on this node."""
        settings, port = self.node.settings, self.node.scp.port
        return Modalities(
            ae_title=settings.dicom.ae_title, port=port, pixels=self.choices.pixels, folder=self.choices.out
        )


def rehearse(choices: Choices, act: Act, say: Say, watch: Watch) -> None:
    """Play the whole cycle in a folder.

    Args:
        choices: what is rehearsed.
        act: runs a command.
        say: tells the person what happens.
        watch: shows progress while the history arrives.

    Raises:
        RehearsalError: it did not get to its end.
    """
    history, coming = planned(choices)
    pacs = Archive(choices.out)
    try:
        with running(settings_for(choices, None)) as node:
            accumulate(Scene(choices=choices, node=node, pacs=pacs, act=act, say=say), history, watch)
        with running(settings_for(choices, pacs)) as node:
            learn(Scene(choices=choices, node=node, pacs=pacs, act=act, say=say), coming)
    finally:
        pacs.stop()


def planned(choices: Choices) -> tuple[list[SyntheticStudy], Iterator[SyntheticStudy]]:
    """The history, and studies with something to find that come after it, today."""
    every = department.studies(choices.studies + 1000, seed=choices.seed)
    history = list(islice(every, choices.studies))
    return history, (replace(study, taken_at=utc_now()) for study in every if len(study.signs) > 1)


def accumulate(scene: Scene, history: Sequence[SyntheticStudy], watch: Watch) -> None:
    """Part 1: images and reports arrive, are read and mined."""
    people = len({study.patient.patient_id for study in history})
    scene.say(
        f"\n1. {len(history)} studies of {people} patients arrive by C-STORE, their reports by MLLP; no destination"
    )
    began, spent_s = time.monotonic(), time.process_time()
    with watch() as tell:
        with closing(Ris(scene.node.listener.port)) as ris:
            for sent, _ in enumerate(scene.modalities.work(history, ris), start=1):
                tell(f"{sent} of {len(history)} studies and their reports sent")
        took_s = time.monotonic() - began
        wait_until_idle(scene.node, len(history), tell)
    scene.say(f"   sent in {took_s:.0f} s")
    scene.say(
        f"   read, linked and mined after {time.monotonic() - began:.0f} s, "
        f"{time.process_time() - spent_s:.0f} s of processor time, the drawing among it"
    )
    scene.act(["status"])
    scene.act(["labels", "table"])


def learn(scene: Scene, coming: Iterator[SyntheticStudy]) -> None:
    """Parts 2 to 4: from the first result in the PACS to the rollback."""
    choices, act = scene.choices, scene.act
    scene.say("\n2. The PACS is a destination from now on, and the next study comes")
    first = next(coming)
    show(scene, first, "before")
    with closing(Ris(scene.node.listener.port)) as ris:
        ris.send(oru(first, signed_at=utc_now()))
    wait_until_idle(scene.node, choices.studies + 1, lambda _: None)
    scene.say("   Its report was signed after that.")

    scene.say("\n3. A person takes a snapshot, trains, evaluates and promotes, while the node runs")
    act(["snapshot", "create", *choices.selection])
    with scene.node.database.read() as connection:
        snapshot = node_snapshots.folder_of(choices.data, snapshots.newest(connection)[0])
    training = choices.out / "training"
    act(["train", str(snapshot), "--out", str(training), *choices.training])
    version = str(json.loads((training / "model" / bundle.CARD).read_text("utf-8"))["version"])
    act(["evaluate", str(training / "model"), "--snapshot", str(snapshot), "--out", str(choices.out / "evaluation")])
    act(["models", "register", str(training / "model")])
    act(["models", "promote", version, "--snapshot", str(snapshot), *choices.promotion])

    scene.say("\n4. The next study comes; nothing was restarted")
    show(scene, next(coming), "after")
    act(["results", "--limit", str(RESULTS)])
    act(["models", "list"])
    act(["models", "rollback", "--reason", "the end of the rehearsal"])
    show(scene, next(coming), "rolled-back")


def settings_for(choices: Choices, pacs: Archive | None) -> Settings:
    """The node's settings: free ports on this machine, and nothing of an installed node's environment."""
    destinations = []
    if pacs is not None:
        destinations.append(DestinationSettings(name="pacs", ae_title=archive.AE_TITLE, host=HOST, port=pacs.port))
    return load(
        None,
        **{
            "host": HOST,
            "data": choices.data,
            "dicom.port": 0,
            "hl7.port": 0,
            "console.port": 0,
            "study.quiet_s": 0,
            "destinations": destinations,
            "database.url": None,
            "dicom.peers": [{"ae_title": "*", "addresses": ["127.0.0.0/8"]}],
            "hl7.peers": ["127.0.0.0/8"],
            "hl7.accession_from": ["OBR-3"],
            "reading.model": None,
            "mining.workers": 1,
        },
    )


@contextmanager
def running(settings: Settings) -> Iterator[Node]:
    """A node in this process."""
    node = wiring.build(settings)
    try:
        node.start()
        yield node
    finally:
        node.stop()


def wait_until_idle(node: Node, expected: int, tell: Tell) -> None:
    """Wait until every study is read and every report linked and mined.

    Raises:
        RehearsalError: a job ended in any other way, or nothing moves; the sentence says why.
    """
    before, since = None, time.monotonic()
    while True:
        with node.database.read() as connection:
            ended = jobs.newest(connection, 1, (JobState.FAILED, JobState.DEAD))
            counted = backlog.counts(connection)
            arriving, linked = studies.unsettled_count(connection), links.counts(connection).get("linked", 0)
            read = studies.counts(connection).get("read", 0)
        if ended:
            raise RehearsalError(f"a {ended[0].kind} job went wrong: {ended[0].error}")
        tell(f"{read} of {expected} studies read")
        if not arriving and not any(name.endswith((JobState.QUEUED, JobState.RUNNING)) for name in counted):
            break
        if (now := (counted, arriving)) != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > PATIENCE_S:
            raise RehearsalError(f"nothing has moved for {PATIENCE_S:.0f} s; `cxr jobs` says what waits, and why")
        time.sleep(LOOK_S)
    if (read, linked) != (expected, expected):
        raise RehearsalError(
            f"of {expected} studies {read} were read, and {linked} reports linked; see `cxr instances`"
        )


def show(scene: Scene, study: SyntheticStudy, name: str) -> None:
    """Push one study and say what the PACS gets of it; its report and overlay are kept under this name.

    Raises:
        RehearsalError: the results do not come.
    """
    scene.pacs.received.clear()
    scene.modalities.push(study)
    began = time.monotonic()
    if not scene.pacs.wait_for(RESULTS, PATIENCE_S):
        with scene.node.database.read() as connection:
            why = next((job.error for job in jobs.newest(connection, RESULTS) if job.error), "see `cxr jobs`")
        raise RehearsalError(f"after {PATIENCE_S:.0f} s the PACS has no results of the study: {why}")
    took_s = time.monotonic() - began
    report = received(scene.pacs.received["report.dcm"])
    shutil.copy(scene.pacs.received["report.dcm"], scene.choices.out / f"report-{name}.dcm")
    pixels = pydicom.dcmread(scene.pacs.received["overlay.dcm"]).pixel_array
    Image.fromarray(pixels).save(scene.choices.out / f"overlay-{name}.png")
    scene.say(
        f"   drawn: {', '.join(sorted(study.findings))}\n"
        f"   the report in the PACS, {took_s:.1f} s after the image was sent: read by {report.model_version}, "
        f"present: {', '.join(report.present) or 'nothing'}"
    )
