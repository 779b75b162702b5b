"""Jobs that wait for a person, and to let them run again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.responses import Response

from db import jobs
from db.engine import Database
from db.jobs import ENDED_BADLY
from node.console import paging, system
from node.console.access import Visit
from node.console.frame import Frame
from node.retry import retry

MEANWHILE = "Somebody was faster: no such job is failed or dead any more."


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPages:
    """The failed and dead jobs."""

    database: Database
    announce: Callable[[int], None]
    frame: Frame
    now: Callable[[], datetime]

    def show(self, visit: Visit) -> Response:
        """The newest first, with why each is there."""
        return self._page(visit)

    def retry(self, visit: Visit) -> Response:
        """Queue one, or all, again.

        Raises:
            HTTPException: it is no number of a job.
        """
        given = visit.form.get("job", "")
        job_id = None if given == "all" else paging.number(given)
        if job_id is None and given != "all":
            raise HTTPException(400, "Name the job by its number.")
        queued = retry(self.database, job_id, by=visit.somebody.name, now=self.now())
        for each in queued:
            self.announce(each)
        said = f"Queued again: {len(queued)} job{'s' if len(queued) > 1 else ''}." if queued else MEANWHILE
        return self._page(visit, said=said)

    def _page(self, visit: Visit, said: str | None = None) -> Response:
        with self.database.read() as connection:
            found = jobs.newest(connection, paging.SHOWN + 1, ENDED_BADLY, paging.asked_before(visit))
        shown, next_before = paging.cut(found)
        return system.page(
            self.frame, "system_jobs.html", visit, waiting=shown, next_before=next_before, said=said, now=self.now()
        )
