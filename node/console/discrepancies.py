"""Where model and report differ: the list that a radiologist works off, the most urgent first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from db.discrepancies import Discrepancy, Place, unjudged
from db.engine import Database
from db.people_records import Role
from db.vocabulary import EIGHT, FINDINGS
from node.console.access import Visit
from node.console.form import row_number
from node.console.frame import Frame
from node.console.viewing import Viewing
from node.errors import SettingsError
from node.labels import verdict
from node.labels.verdict import Verdict

ON_A_PAGE = 25
MOST_REASON = 500
"""Characters."""
VERDICTS = {Verdict.MODEL: "The model is right", Verdict.REPORT: "The report is right", Verdict.UNSURE: "Cannot say"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancies:
    """The page, and the verdicts."""

    database: Database
    frame: Frame
    viewing: Viewing
    now: Callable[[], datetime]

    def show(self, visit: Visit) -> Response:
        """The list; `finding` has only one of them, `before` is where the last page ended."""
        return self._page(visit)

    def decide(self, visit: Visit) -> Response:
        """Write a verdict; who comes second is told."""
        form = visit.form
        try:
            with self.database.write() as connection:
                verdict.decide(
                    connection,
                    form.get("study", ""),
                    form.get("of", ""),
                    _verdict(form.get("verdict", "")),
                    actor=visit.person.name if visit.person else "",
                    reason=form.get("reason", "").strip()[:MOST_REASON],
                    now=self.now(),
                )
        except SettingsError as error:
            return self._page(visit, problem=f"{str(error)[:1].upper()}{str(error)[1:]}.")
        finding = _finding(form.get("finding", ""))
        return RedirectResponse(f"/discrepancies{_query(finding=finding)}", status_code=303)

    def _page(self, visit: Visit, problem: str = "") -> Response:
        asked = visit.form if problem else visit.request.query_params
        finding, before = _finding(asked.get("finding", "")), place(asked.get("before", ""))
        with self.database.read() as connection:
            found = unjudged(connection, finding=finding, before=before, limit=ON_A_PAGE + 1)
        shown = found[:ON_A_PAGE]
        self.viewing.viewed(visit, "discrepancies.view", "discrepancies", {"finding": finding, "shown": len(shown)})
        return self.frame.page(
            "discrepancies.html",
            visit,
            409 if problem else 200,
            found=shown,
            further=_query(finding=finding, before=written(shown[-1])) if len(found) > ON_A_PAGE else "",
            first=before is None,
            findings=[each.name for each in EIGHT],
            asked=finding,
            judges=visit.person is not None and visit.person.role.includes(Role.RADIOLOGIST),
            verdicts=VERDICTS,
            problem=problem,
        )


def _verdict(said: str) -> Verdict:
    try:
        return Verdict(said)
    except ValueError:
        raise HTTPException(400, "Say who is right: the model, the report, or that it cannot be said.") from None


def _finding(name: str) -> str | None:
    return name if name in {each.name for each in EIGHT} else None


def written(last: Discrepancy) -> str:
    """Where the next page begins, for an address."""
    return f"{last.found.rank!r},{last.found.study_id},{last.found.finding}"


def place(value: str) -> Place | None:
    """Where a page begins, as `written` says it; whatever else comes begins at the first."""
    rank, _, rest = value.partition(",")
    study_id, _, finding = rest.partition(",")
    number = row_number(study_id)
    try:
        return None if number is None or finding not in FINDINGS else (float(rank), number, finding)
    except ValueError:
        return None


def _query(**values: str | None) -> str:
    there = {name: value for name, value in values.items() if value}
    return f"?{urlencode(there)}" if there else ""
