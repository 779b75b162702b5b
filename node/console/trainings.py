"""Trainings: started, watched and stopped by an administrator. The folder of a training tells how it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from db import snapshots, training_runs
from db.engine import Connection, Database
from db.errors import TakenError
from db.learning_records import TrainingRun
from db.people_records import Role
from db.vocabulary import EIGHT, FINDINGS
from node.console.access import Visit
from node.console.chart import Axis, Chart, Series, chart
from node.console.frame import Frame
from node.console.words import BADGES, RUN_STATES, sentence
from node.errors import SettingsError
from node.learning import runs
from node.learning.journal import Curves
from node.learning.methods import METHODS, TARGETS
from node.learning.runs import Wish

LISTED = 50
CONFLICT = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    """The list with its form, a training's page, and the part of that which renews itself."""

    database: Database
    data: Path
    frame: Frame
    now: Callable[[], datetime]

    def show(self, visit: Visit, status: int = 200, problem: str | None = None) -> Response:
        """All of them, the newest first, and the form that starts one."""
        with self.database.read() as connection:
            found = training_runs.newest(connection, LISTED)
            offered = snapshots.newest(connection, LISTED)
        return self.frame.page(
            "trainings.html",
            visit,
            status,
            problem=problem,
            runs=found,
            snapshots=offered,
            methods=METHODS,
            targets=list(TARGETS),
            findings=list(FINDINGS),
            chosen=[each.name for each in EIGHT],
            **self._common(visit),
        )

    def start(self, visit: Visit) -> Response:
        """Start one."""
        form = visit.form
        wish = Wish(
            method=form.get("method", ""),
            version=form.get("version", "").strip() or None,
            snapshot=form.get("snapshot") or None,
            findings=() if form.get("snapshot") else tuple(name for name in FINDINGS if form.get(f"finding-{name}")),
            arguments=TARGETS.get(form.get("target", ""), ()),
        )
        try:
            run = runs.start(self.database, wish, by=_who(visit), now=self.now())
        except (SettingsError, TakenError) as error:
            return self.show(visit, CONFLICT, sentence(error))
        return RedirectResponse(f"/trainings/{run.version}", status_code=303)

    def one(self, visit: Visit, status: int = 200, problem: str | None = None) -> Response:
        """How one goes, or went."""
        return self._page("training.html", visit, status, problem)

    def progress(self, visit: Visit) -> Response:
        """The part that renews itself."""
        return self._page("training_progress.html", visit, 200, None)

    def stop(self, visit: Visit) -> Response:
        """Stop one; who comes second is told."""
        stopped = runs.stop(self.database, self._run(visit).version, by=_who(visit), now=self.now())
        return self._back(visit, None if stopped else "It has ended, or somebody has stopped it a moment ago.")

    def go_on(self, visit: Visit) -> Response:
        """Let one go on that was stopped or failed."""
        going = runs.go_on(self.database, self._run(visit).version, by=_who(visit), now=self.now())
        return self._back(
            visit, None if going else "It was neither stopped nor failed; somebody may have done this before."
        )

    def _back(self, visit: Visit, problem: str | None) -> Response:
        if problem is not None:
            return self.one(visit, CONFLICT, problem)
        return RedirectResponse(f"/trainings/{visit.request.path_params['version']}", status_code=303)

    def _page(self, template: str, visit: Visit, status: int, problem: str | None) -> Response:
        run = runs.watch(self.data, self._run(visit))
        return self.frame.page(
            template,
            visit,
            status,
            problem=problem,
            run=run,
            told=run.told,
            gone=bool(run.told) and not runs.folder_of(self.data, run).is_dir(),
            method=METHODS.get(run.method),
            charts=_charts(run.curves),
            **self._common(visit),
        )

    def _run(self, visit: Visit) -> TrainingRun:
        with self.database.read() as connection:
            return _known(connection, str(visit.request.path_params["version"]))

    def _common(self, visit: Visit) -> dict[str, Any]:
        may = visit.person is not None and visit.person.role.includes(Role.ADMINISTRATOR)
        return {"may_act": may, "states": RUN_STATES, "badges": BADGES}


def _charts(found: Curves) -> list[Chart]:
    """Its curves so far; none before there is something to draw."""
    loss, validation = (
        (Series(name="training", points=found.loss),),
        (
            Series(name="within source and view", points=found.fair),
            Series(name="all images", points=found.validation),
        ),
    )
    drawn = []
    if found.loss:
        drawn.append(chart("Loss", loss, across=Axis(title="step"), up=Axis(title="loss")))
    if found.validation:
        across = Axis(title="epoch", words=tuple((epoch, f"{epoch:.0f}") for epoch, _ in found.validation))
        drawn.append(chart("AUC on the validation patients", validation, across=across, up=Axis(title="AUC")))
    return drawn


def _known(connection: Connection, version: str) -> TrainingRun:
    run = training_runs.of_version(connection, version)
    if run is None:
        raise HTTPException(404, "There is no training of this name.")
    return run


def _who(visit: Visit) -> str:
    assert visit.person is not None  # noqa: S101 - the door lets nobody else in
    return visit.person.name
