"""What an administrator does with models: compare, promote, roll back, let one read in the shadow.

Whoever comes second is told so in a sentence: each act goes by what its person had seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from starlette.responses import RedirectResponse, Response

from db.engine import Database
from db.errors import ModelStateError, UnknownModelError
from inference.errors import InferenceError
from node.console.access import Visit
from node.console.models import Models
from node.console.words import sentence
from node.errors import NodeError, SettingsError
from node.models import promotion
from node.models.promotion import Evidence

REFUSED = (NodeError, InferenceError, ModelStateError, UnknownModelError)
"""What a person is told in a sentence, on the page they came from."""
CONFLICT = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoting:
    """The acts; each leads back to the page, or shows it with why not."""

    database: Database
    data: Path
    pages: Models
    now: Callable[[], datetime]

    def compare(self, visit: Visit) -> Response:
        """Have a candidate and the model that reads compared on a snapshot's test patients."""
        version, chosen = str(visit.request.path_params["version"]), visit.form.get("snapshot", "")
        try:
            promotion.ask_to_compare(self.database, version, chosen, by=_who(visit), now=self.now())
        except REFUSED as error:
            return self.pages.one(visit, CONFLICT, sentence(error))
        return RedirectResponse(f"/models/{version}", status_code=303)

    def promote(self, visit: Visit) -> Response:
        """Let a model read from the next study on."""
        version, form = str(visit.request.path_params["version"]), visit.form
        try:
            _require_confirmed(visit)
            promotion.promote(
                self.database,
                self.data,
                version,
                self._seen(visit, version),
                by=_who(visit),
                now=self.now(),
                insist=form.get("insist") == "yes",
                reason=form.get("reason", ""),
            )
        except REFUSED as error:
            return self.pages.one(visit, CONFLICT, sentence(error))
        return RedirectResponse(f"/models/{version}", status_code=303)

    def roll_back(self, visit: Visit) -> Response:
        """Take the last promotion back."""
        try:
            _require_confirmed(visit)
            promotion.roll_back(
                self.database,
                self.data,
                by=_who(visit),
                now=self.now(),
                reason=visit.form.get("reason", ""),
                seen=visit.form.get("current", ""),
            )
        except REFUSED as error:
            return self.pages.show(visit, CONFLICT, sentence(error))
        return RedirectResponse("/models", status_code=303)

    def cast_shadow(self, visit: Visit) -> Response:
        """Let a model read in the shadow."""
        version = str(visit.request.path_params["version"])
        try:
            promotion.cast_shadow(self.database, self.data, version, by=_who(visit), now=self.now())
        except REFUSED as error:
            return self.pages.one(visit, CONFLICT, sentence(error))
        return RedirectResponse(f"/models/{version}", status_code=303)

    def end_shadow(self, visit: Visit) -> Response:
        """Let no model read in the shadow; if none did, that is as it should be."""
        promotion.end_shadow(self.database, by=_who(visit), now=self.now())
        return RedirectResponse("/models", status_code=303)

    def _seen(self, visit: Visit, version: str) -> Evidence:
        """What the person has seen of the candidate, by the form that they sent.

        Raises:
            ModelStateError: the form names a comparison of other models.
        """
        over, number = visit.form.get("over") or None, visit.form.get("comparison", "")
        if not number.isdecimal():
            return Evidence(over=over)
        with self.database.read() as connection:
            return promotion.seen(connection, version, int(number[:9]), over)


def _who(visit: Visit) -> str:
    assert visit.person is not None  # noqa: S101 - the door lets nobody else in
    return visit.person.name


def _require_confirmed(visit: Visit) -> None:
    if visit.form.get("confirmed") != "yes":
        raise SettingsError("nothing was done: confirm it in the form")
