"""The labels page: the paper's Table 1 and Figure 2 of this site as they are now, and all of it as CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse

from db import census, tally
from db.engine import Database
from db.tally import LabelTable
from db.vocabulary import EIGHT, FINDINGS
from node.console.access import Visit
from node.console.frame import Frame
from node.console.masking import Mask
from node.console.viewing import Viewing
from node.labels import listing, spreadsheets
from node.labels.ring import ring

COLUMNS = ("label", "reports", "overlap", "uncertain", "negative", "gold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The page and its downloads."""

    database: Database
    frame: Frame
    viewing: Viewing
    mask: Mask

    def show(self, visit: Visit) -> Response:
        """Table and diagram; `findings=14` has all fourteen."""
        names = _findings(visit)
        with self.database.read() as connection:
            table, pairs = tally.summed(census.at_once(connection), names)
        diagram = ring(pairs)
        return self.frame.page(
            "labels.html", visit, table=table, counted=table.counted, pairs=pairs, ring=diagram, number=len(names)
        )

    def table(self, visit: Visit) -> Response:
        """The table as CSV; it holds no patient."""
        with self.database.read() as connection:
            found, _ = tally.summed(census.at_once(connection), _findings(visit))
        return _download("table1.csv", COLUMNS, _rows(found))

    def every(self, visit: Visit) -> Response:
        """Every label in force as CSV, a line for each finding that a report mentions; sent as it is read."""
        self.viewing.viewed(visit, "labels.download", "all labels")
        return _download("labels.csv", listing.COLUMNS, self._lines())

    def _lines(self) -> Iterator[Sequence[object]]:
        number, uid = (listing.COLUMNS.index(name) for name in ("accession_number", "study_instance_uid"))
        with self.database.read() as connection:
            found = listing.lines(connection, study_instance_uid=None, accession_number=None)
            for line in listing.chosen(found, finding=None, assertion=None):
                cells = list(listing.cells(line))
                for place in (number, uid):
                    cells[place] = self.mask.value(str(cells[place] or ""))
                yield cells


def _findings(visit: Visit) -> tuple[str, ...]:
    all_of_them = visit.request.query_params.get("findings") == str(len(FINDINGS))
    return tuple(FINDINGS) if all_of_them else tuple(finding.name for finding in EIGHT)


def _rows(table: LabelTable) -> Iterator[Sequence[object]]:
    return ([getattr(row, name) for name in COLUMNS] for row in table.rows)


def _download(name: str, columns: Sequence[str], rows: Iterator[Sequence[object]]) -> Response:
    return StreamingResponse(
        spreadsheets.lines(columns, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
