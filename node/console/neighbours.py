"""What stands next to a study in the worklist, in the filter that one came with."""

from dataclasses import dataclass
from datetime import tzinfo

from db import worklist
from db.engine import Connection
from db.worklist import Beside
from node.console.access import Visit
from node.console.filter import filter_of, in_words
from node.study.wanted import without_patients


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The studies above and below, for links; `query` is the list's filter, `words` says it without a patient."""

    query: str
    words: str
    newer: Beside
    older: Beside


def of_study(connection: Connection, visit: Visit, study_id: int, zone: tzinfo | None) -> Neighbours:
    """Those of a study, in the list that the visit's address names.

    Raises:
        HTTPException: it names none.
    """
    chosen = filter_of(visit.request.query_params, zone)
    return Neighbours(
        query=chosen.query,
        words=in_words(without_patients(chosen.asked)),
        newer=worklist.beside(connection, chosen.wanted, study_id, newer=True),
        older=worklist.beside(connection, chosen.wanted, study_id, newer=False),
    )
