"""What another lexicon or other rules would change, by HTTP: the files in force, and trials of a changed one."""

from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from db import lexicon_trials
from nlp import candidate
from node.console.api.basis import Basis, Node, RowId
from node.console.api.caller import Labeller
from node.labels import trial as trials
from node.labels.trial import Trial

router = APIRouter(tags=["lexicon"])


class LexiconFile(BaseModel):
    """A file of the lexicon or of the rules, such as `rules/negation.toml`, and what is in it (TOML)."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(max_length=64)]
    content: Annotated[str, Field(max_length=64 * 1024)]


@router.get("/lexicon/files")
def list_files(_caller: Labeller) -> list[LexiconFile]:
    """The files in force."""
    return [LexiconFile(file=each, content=candidate.shipped(each)) for each in candidate.files()]


@router.get("/lexicon/trials")
def list_trials(node: Node, _caller: Labeller) -> list[Trial]:
    """The last trials, the newest first."""
    with node.database.read() as connection:
        return trials.newest(connection, node.now())


@router.post("/lexicon/trials", status_code=202)
def begin_trial(node: Node, caller: Labeller, changed: LexiconFile) -> Trial:
    """Try a file in place of the one in force on the newest reports; nothing is put in force. One at a time."""
    return trials.as_of(node.trials.begin(changed.file, changed.content, caller.name), node.now())


@router.get("/lexicon/trials/{trial_id}")
def one_trial(node: Node, _caller: Labeller, trial_id: RowId) -> Trial:
    """How far a trial is, or what it found."""
    return _found(node, trial_id)


@router.post("/lexicon/trials/{trial_id}/stop")
def stop_trial(node: Node, caller: Labeller, trial_id: RowId) -> Trial:
    """Have it end where it is."""
    _found(node, trial_id)
    with node.database.write() as connection:
        stopped = lexicon_trials.stop(connection, trial_id, caller.name, node.now())
    if not stopped:
        raise HTTPException(409, "It has ended, or somebody has stopped it a moment ago.")
    return _found(node, trial_id)


def _found(node: Basis, trial_id: int) -> Trial:
    with node.database.read() as connection:
        trial = trials.find(connection, trial_id, node.now())
    if trial is None:
        raise HTTPException(404, "There was no such trial.")
    return trial
