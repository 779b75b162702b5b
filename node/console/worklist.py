"""The worklist: the first page after the login. Studies newest first, and the part of it that renews itself."""

from dataclasses import dataclass
from datetime import tzinfo

from starlette.exceptions import HTTPException
from starlette.responses import Response

from db import worklist
from db.engine import Database
from db.vocabulary import FINDINGS
from node.console.access import Visit
from node.console.filter import FIELDS, filter_of, in_words
from node.console.frame import Frame
from node.console.imaging import Pictures
from node.console.viewing import Viewing
from node.console.words import PROGRESS, PROGRESS_BADGES
from node.study.wanted import without_patients

ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """The page, and its rows as a part of it. `zone` is the one in which days begin; None is this machine's."""

    database: Database
    frame: Frame
    viewing: Viewing
    pictures: Pictures
    zone: tzinfo | None

    def show(self, visit: Visit) -> Response:
        """For a person, who may soon click on a study."""
        self.pictures.ready()
        return self._with_rows("worklist.html", visit)

    def rows(self, visit: Visit) -> Response:
        """The rows alone, as a page that stands open asks for them."""
        return self._with_rows("worklist_rows.html", visit)

    def _with_rows(self, template: str, visit: Visit) -> Response:
        chosen = filter_of(visit.request.query_params, self.zone)
        after = _number(visit.request.query_params.get("before", ""))
        detail = without_patients(chosen.asked) | ({} if after is None else {"before": str(after)})
        self.viewing.viewed(visit, "worklist.view", "studies", detail)
        with self.database.read() as connection:
            known = worklist.mark(connection)  # first: what changes meanwhile is then told
            listing = worklist.listing(connection, chosen.wanted, limit=ROWS, after=after)
        return self.frame.page(
            template,
            visit,
            asked=dict.fromkeys(FIELDS, "") | dict(chosen.asked),
            query=chosen.query,
            words=in_words(chosen.asked),
            listing=listing,
            after=after,
            known=known,
            states=PROGRESS,
            badges=PROGRESS_BADGES,
            findings=sorted(FINDINGS),
            window=worklist.WINDOW,
        )


def _number(text: str) -> int | None:
    """The study to go on from."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise HTTPException(400, "There is no such page of the list.")
    return int(text)
