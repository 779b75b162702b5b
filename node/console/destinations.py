"""Destinations: how it stands with each, and to try one with a synthetic patient."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from db import audit
from db.engine import Database
from node.console import system
from node.console.access import Visit
from node.console.frame import Frame
from node.console.words import DELIVERY_STATES
from node.destinations import standing, tryout
from node.destinations.tryout import Outcome
from node.errors import NodeError
from node.process.clock import Clock
from node.settings import Settings

WAIT_S = 10.0
"""How long somebody looks at a page that waits for a commitment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationPages:
    """Where results go."""

    settings: Settings
    database: Database
    frame: Frame
    now: Clock

    def show(self, visit: Visit) -> Response:
        """Each with its backlog."""
        return self._page(visit)

    def test(self, visit: Visit) -> Response:
        """Send a synthetic patient there and show what became of each object.

        Raises:
            HTTPException: the settings have no such destination.
        """
        name, sender = visit.form.get("name", ""), visit.form.get("sender", "").strip() or None
        if name not in {each.name for each in self.settings.destinations}:
            raise HTTPException(404, "The settings have no such destination.")
        with self.database.write() as connection:
            audit.append(connection, actor=visit.somebody.name, action="destination.test", subject=name, now=self.now())
        try:
            outcome = tryout.run(
                self.settings,
                lambda: self.database,
                name,
                sender=sender,
                wait_s=WAIT_S,
                say=lambda _words: None,
            )
        except NodeError as error:
            sentence = str(error)
            return self._page(visit, tried=name, problem=f"{sentence[:1].upper()}{sentence[1:]}.")
        return self._page(visit, tried=name, outcome=outcome)

    def _page(
        self, visit: Visit, tried: str | None = None, outcome: Outcome | None = None, problem: str | None = None
    ) -> Response:
        with self.database.read() as connection:
            found = standing.standings(connection, self.settings)
        back = {each.name for each in self.settings.destinations if each.return_to_sender}
        return system.page(
            self.frame,
            "system_destinations.html",
            visit,
            standings=found,
            states=DELIVERY_STATES,
            back=back,
            tried=tried,
            outcome=outcome,
            problem=problem,
        )
