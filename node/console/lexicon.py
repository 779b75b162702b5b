"""What another lexicon or other rules would change: a file is changed here and tried on the newest reports."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from db import lexicon_trials
from db.engine import Database
from nlp import candidate
from node.console.access import Visit
from node.console.form import row_number
from node.console.frame import Frame
from node.console.words import sentence
from node.errors import SettingsError
from node.labels import trial
from node.labels.trial import Trial
from node.labels.trials import NEWEST, Trials


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The form, the trials, and each with its progress and outcome."""

    database: Database
    frame: Frame
    trials: Trials
    now: Callable[[], datetime]

    def show(self, visit: Visit) -> Response:
        """A file of the lexicon or the rules to be changed, and the last trials."""
        asked = visit.request.query_params.get("file", "")
        file = asked if asked in candidate.files() else "rules/negation.toml"
        return self._form(visit, file, candidate.shipped(file))

    def begin(self, visit: Visit) -> Response:
        """Try it."""
        file, content = visit.form.get("file", ""), visit.form.get("content", "")
        try:
            begun = self.trials.begin(file, content, _actor(visit))
        except SettingsError as error:
            return self._form(visit, file, content, sentence(error), 400)
        return RedirectResponse(f"/lexicon/{begun.id}", status_code=303)

    def trial(self, visit: Visit) -> Response:
        """One trial."""
        return self._trial("lexicon_trial.html", visit)

    def progress(self, visit: Visit) -> Response:
        """How far it is, or what it found, for the page that stands open."""
        return self._trial("lexicon_progress.html", visit)

    def stop(self, visit: Visit) -> Response:
        """Have it end; once it has ended that changes nothing."""
        number = self._found(visit).trial.id
        with self.database.write() as connection:
            lexicon_trials.stop(connection, number, _actor(visit), self.now())
        return RedirectResponse(f"/lexicon/{number}", status_code=303)

    def _form(self, visit: Visit, file: str, content: str, problem: str = "", status: int = 200) -> Response:
        with self.database.read() as connection:
            trials = trial.newest(connection, self.now())
        return self.frame.page(
            "lexicon.html",
            visit,
            status,
            file=file,
            files=candidate.files(),
            content=content,
            trials=trials,
            problem=problem,
            newest=NEWEST,
        )

    def _trial(self, template: str, visit: Visit) -> Response:
        found = self._found(visit)
        return self.frame.page(template, visit, trial=found.trial, runs=found.runs)

    def _found(self, visit: Visit) -> Trial:
        number = row_number(str(visit.request.path_params["trial_id"]))
        with self.database.read() as connection:
            found = None if number is None else trial.find(connection, number, self.now())
        if found is None:
            raise HTTPException(404, "There was no such trial.")
        return found


def _actor(visit: Visit) -> str:
    return visit.person.name if visit.person else ""
