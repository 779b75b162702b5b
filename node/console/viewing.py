"""Who viewed whose data: every page with a patient on it says so to the audit log before it is shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from db import audit, sessions, studies
from db.engine import Connection, Database
from node.console.access import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """The record of what people looked at, and of whom they asked to see where patients are masked.

    Args:
        masking: whether the site masks patients.
    """

    database: Database
    masking: bool
    now: Callable[[], datetime]

    def viewed(self, visit: Visit, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """This person views this: `study.view` a study by its UID, `worklist.view` a list by its filter in `detail`.

        What a page that stands open asks for by itself is no view of its own. No patient's data is to be in it.
        """
        if visit.person is None or visit.by_itself:
            return
        with self.database.write() as connection:
            self._note(connection, visit, action, subject, detail)

    def masked(self, visit: Visit, study_instance_uid: str) -> bool:
        """Whether this study's patient is masked for this browser; what `Frame.page` takes as `masked`."""
        if not self.masking:
            return False
        with self.database.read() as connection:
            return not sessions.unmasked(connection, visit.token, study_instance_uid)

    def unmask(self, visit: Visit) -> Response:
        """Show the person whose study this is, until they log out; the audit log has it once.

        Raises:
            HTTPException: there is no such study.
        """
        uid, of_list = str(visit.request.path_params["study_uid"]), visit.request.url.query
        with self.database.write() as connection:
            if studies.find(connection, uid) is None:
                raise HTTPException(404, "The node has no such study.")
            if self.masking and sessions.unmask(connection, visit.token, uid):
                self._note(connection, visit, "study.unmask", uid, None)
        return RedirectResponse(f"/studies/{uid}{of_list and f'?{of_list}'}", status_code=303)

    def _note(
        self, connection: Connection, visit: Visit, action: str, subject: str, detail: Mapping[str, Any] | None
    ) -> None:
        if visit.person is not None:
            audit.append(
                connection, actor=visit.person.name, action=action, subject=subject, now=self.now(), detail=detail
            )
