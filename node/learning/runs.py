"""Training runs as a person handles them: started, stopped, gone on with. Console and command line do the same here."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from db import audit, models, snapshots, training_runs
from db.engine import Connection, Database
from db.learning_records import TrainingRun
from db.vocabulary import FINDINGS
from node.errors import SettingsError
from node.learning import journal
from node.learning.journal import Curves
from node.learning.methods import METHODS

FOLDER = "trainings"
"""Of the data folder: where runs have their folders."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants trained.

    Args:
        method: a name of `METHODS`.
        version: of the model; without one, day and method make it.
        snapshot: the hash of what is learnt from; without one a snapshot is made when the run begins.
        findings: that snapshot's.
        arguments: further options of `cxr train`.
    """

    method: str
    version: str | None = None
    snapshot: str | None = None
    findings: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(TrainingRun):
    """A run with its curves so far; what it `told` last is read from its folder, while there is one."""

    curves: Curves


def watch(data: Path, run: TrainingRun) -> Watched:
    """How a run goes, or went."""
    folder = folder_of(data, run)
    fields = asdict(run) | {"told": journal.told(folder) or run.told}
    return Watched(**fields, curves=journal.curves(folder))


def folder_of(data: Path, run: TrainingRun) -> Path:
    """Where a run has its metrics, its checkpoint and its model."""
    return data / FOLDER / run.version


def start(database: Database, wish: Wish, *, by: str, now: datetime) -> TrainingRun:
    """Enter a run; whoever trains takes it up.

    Raises:
        SettingsError: there is no such method, snapshot or finding, or the version cannot be one.
        db.errors.TakenError: a model or a run has this version.
    """
    _require_sense(wish)
    with database.write() as connection:
        found = [] if wish.snapshot is None else snapshots.beginning_with(connection, wish.snapshot)
        if wish.snapshot not in {None, *(each.sha256 for each in found)}:
            raise SettingsError("there is no such snapshot; `cxr snapshot list` shows those there are")
        version = wish.version or _free(connection, f"{now:%Y-%m-%d}-{wish.method}")
        run_id, _ = training_runs.add(
            connection,
            version=version,
            snapshot_sha256=wish.snapshot,
            wanted=wish.findings,
            method=wish.method,
            arguments=(*METHODS[wish.method].arguments, *wish.arguments),
            by=by,
            now=now,
        )
        run = training_runs.find(connection, run_id)
        assert run is not None  # noqa: S101 - it was just entered
        detail = {"snapshot": run.snapshot, "findings": list(run.wanted), "arguments": list(run.arguments)}
        audit.append(connection, actor=by, action="training.start", subject=version, now=now, detail=detail)
        return run


def stop(database: Database, version: str, *, by: str, now: datetime) -> bool:
    """Let a run end soon; what it has learnt is kept. Returns False if it has ended, or somebody else has stopped it.

    Raises:
        SettingsError: there is none.
    """
    with database.write() as connection:
        run = known(connection, version)
        stopped = training_runs.ask_to_stop(connection, run.id, by=by, now=now)
        if stopped:
            audit.append(connection, actor=by, action="training.stop", subject=version, now=now)
        return stopped


def go_on(database: Database, version: str, *, by: str, now: datetime) -> bool:
    """Let a run that was stopped or failed go on where it was. Returns False if it is none of these.

    Raises:
        SettingsError: there is none.
    """
    with database.write() as connection:
        run = known(connection, version)
        going = bool(training_runs.go_on(connection, run.id, now))
        if going:
            audit.append(connection, actor=by, action="training.go_on", subject=version, now=now)
        return going


def known(connection: Connection, version: str) -> TrainingRun:
    """The run of this version.

    Raises:
        SettingsError: there is none.
    """
    run = training_runs.of_version(connection, version)
    if run is None:
        raise SettingsError(f"there is no training {version!r}; `cxr trainings list` shows those there are")
    return run


def _require_sense(wish: Wish) -> None:
    if wish.method not in METHODS:
        raise SettingsError(f"there is no method {wish.method!r}; there are {', '.join(METHODS)}")
    if wish.version is not None and not _NAME.fullmatch(wish.version):
        raise SettingsError(
            "a version has up to 64 letters, digits, points, hyphens, and begins with a letter or digit"
        )
    if unknown := [name for name in wish.findings if name not in FINDINGS]:
        raise SettingsError(f"{', '.join(unknown)} is no finding; there are {', '.join(FINDINGS)}")
    if wish.snapshot is None and not wish.findings:
        raise SettingsError("name a snapshot, or the findings that one is to be made of")


def _free(connection: Connection, name: str) -> str:
    """A version that no model and no run has."""
    for number in count(1):
        version = name if number == 1 else f"{name}-{number}"
        taken = models.find(connection, version) or training_runs.of_version(connection, version)
        if taken is None:
            return version
    raise AssertionError  # `count` has no end
