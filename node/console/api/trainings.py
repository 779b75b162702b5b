"""Trainings that the node runs, by HTTP: started, watched, stopped, and let go on."""

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from db import training_runs
from db.learning_records import TrainingRun
from node.console.api.basis import Basis, Node, Version
from node.console.api.caller import Administrator, Reader
from node.console.api.page import After, Limit, Page, cut
from node.errors import SettingsError
from node.learning import runs
from node.learning.methods import METHODS, TARGETS
from node.learning.runs import Watched, Wish

router = APIRouter(tags=["trainings"])

Name = Annotated[str, Field(max_length=64)]


class Start(BaseModel):
    """What is to be trained: from a snapshot, or from one that is made first of what is here, of some findings."""

    model_config = ConfigDict(extra="forbid")

    method: Annotated[str, Field(max_length=32, description=f"{', '.join(METHODS)}.")]
    version: Annotated[Name | None, Field(description="The model's; without it the day and the method.")] = None
    snapshot: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$", description="Its whole SHA-256.")] = None
    findings: Annotated[list[Name], Field(max_length=64, description="Of the snapshot that is made.")] = []
    target: Annotated[
        Name | None, Field(description=f"What the operating points are to keep: {', '.join(TARGETS)}.")
    ] = None


@router.get("/trainings")
def list_trainings(node: Node, _caller: Reader, limit: Limit = 50, after: After = None) -> Page[TrainingRun]:
    """The trainings, the last started first, and how far each is."""
    with node.database.read() as connection:
        found = training_runs.newest(connection, limit + 1, after)
    return cut(found, limit, lambda each: each.id)


@router.get("/trainings/{version}")
def one_training(node: Node, _caller: Reader, version: Version) -> Watched:
    """A training with its curves so far: the loss by step, and after each epoch the AUC on the validation patients."""
    return _watched(node, version)


@router.post("/trainings", status_code=201)
def start_training(node: Node, caller: Administrator, what: Start) -> TrainingRun:
    """Start one; the node trains in a process of its own, and enters the model as a candidate."""
    if what.target is not None and what.target not in TARGETS:
        raise SettingsError(f"there is no target {what.target!r}; there are {', '.join(TARGETS)}")
    wish = Wish(
        method=what.method,
        version=what.version,
        snapshot=what.snapshot,
        findings=() if what.snapshot else tuple(what.findings),
        arguments=TARGETS[what.target] if what.target else (),
    )
    return runs.start(node.database, wish, by=caller.name, now=node.now())


@router.post("/trainings/{version}/stop", status_code=202)
def stop_training(node: Node, caller: Administrator, version: Version) -> Watched:
    """Let it end soon; what it has learnt up to its last checkpoint is kept, and it can go on."""
    _watched(node, version)
    if not runs.stop(node.database, version, by=caller.name, now=node.now()):
        raise HTTPException(409, "It has ended, or somebody has stopped it a moment ago.")
    return _watched(node, version)


@router.post("/trainings/{version}/go-on", status_code=202)
def go_on_training(node: Node, caller: Administrator, version: Version) -> Watched:
    """Let one go on that was stopped or failed, from its last checkpoint."""
    _watched(node, version)
    if not runs.go_on(node.database, version, by=caller.name, now=node.now()):
        raise HTTPException(409, "It was neither stopped nor failed; somebody may have done this before.")
    return _watched(node, version)


def _watched(node: Basis, version: str) -> Watched:
    with node.database.read() as connection:
        run = training_runs.of_version(connection, version)
    if run is None:
        raise HTTPException(404, "There is no training of this name.")
    return runs.watch(node.settings.data, run)
