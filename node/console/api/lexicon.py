"""What another lexicon or other rules would change, by HTTP: the files in force, and trials of a changed one."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from db import lexicon_trials
from db.lexicon_trials import LexiconTrial
from nlp import candidate
from node.console.api.basis import Basis, Node, RowId
from node.console.api.caller import Labeller
from node.console.lexicon import SHOWN

router = APIRouter(tags=["lexicon"])


class LexiconFile(BaseModel):
    """A file of the lexicon or of the rules, such as `rules/negation.toml`, and what is in it (TOML)."""

    model_config = ConfigDict(extra="forbid")

    file: Annotated[str, Field(max_length=64)]
    content: Annotated[str, Field(max_length=64 * 1024)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial; `runs` while it is under way. Its `outcome` has what would change, without sentences of reports."""

    runs: bool
    trial: LexiconTrial


@router.get("/lexicon/files")
def list_files(_caller: Labeller) -> list[LexiconFile]:
    """The files in force."""
    return [LexiconFile(file=each, content=candidate.shipped(each)) for each in candidate.files()]


@router.get("/lexicon/trials")
def list_trials(node: Node, _caller: Labeller) -> list[Trial]:
    """The last trials, the newest first."""
    with node.database.read() as connection:
        found = lexicon_trials.newest(connection, SHOWN)
    return [_shown(node, each) for each in found]


@router.post("/lexicon/trials", status_code=202)
def begin_trial(node: Node, caller: Labeller, changed: LexiconFile) -> Trial:
    """Try a file in place of the one in force on the newest reports; nothing is put in force. One at a time."""
    return _shown(node, node.trials.begin(changed.file, changed.content, caller.name))


@router.get("/lexicon/trials/{trial_id}")
def one_trial(node: Node, _caller: Labeller, trial_id: RowId) -> Trial:
    """How far a trial is, or what it found."""
    return _shown(node, _found(node, trial_id))


@router.post("/lexicon/trials/{trial_id}/stop")
def stop_trial(node: Node, caller: Labeller, trial_id: RowId) -> Trial:
    """Have it end where it is."""
    _found(node, trial_id)
    with node.database.write() as connection:
        stopped = lexicon_trials.stop(connection, trial_id, caller.name, node.now())
    if not stopped:
        raise HTTPException(409, "It has ended, or somebody has stopped it a moment ago.")
    return _shown(node, _found(node, trial_id))


def _found(node: Basis, trial_id: int) -> LexiconTrial:
    with node.database.read() as connection:
        trial = lexicon_trials.find(connection, trial_id)
    if trial is None:
        raise HTTPException(404, "There was no such trial.")
    return trial


def _shown(node: Basis, trial: LexiconTrial) -> Trial:
    return Trial(runs=trial.runs(node.now()), trial=trial)
