"""The page on which reports are looked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from starlette.responses import Response

from db import report_search
from db.engine import Database
from db.report_search import FoundPage, Place, Wanted
from db.vocabulary import FINDINGS, NORMAL, Assertion
from node.console.access import Visit
from node.console.filter import joined
from node.console.form import row_number
from node.console.frame import Frame
from node.console.viewing import Viewing
from node.console.words import finding as finding_in_words
from node.console.words import sentence
from node.errors import SettingsError
from node.labels.correction import finding_named
from node.study.wanted import without_patients

PAGE = 50
MOST_WORDS = 8
STATES = (Assertion.POSITIVE, Assertion.UNCERTAIN, Assertion.NEGATIVE)
ALL = "All reports"
_WORDS = {"accession": "accession", "patient": "patient", "since": "from", "until": "to", "words": "with the words"}
FIELDS = ("accession", "patient", "finding", "state", "since", "until", "words")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSearch:
    """The form and what it finds, a page at a time."""

    database: Database
    frame: Frame
    viewing: Viewing
    zone: tzinfo | None

    def show(self, visit: Visit) -> Response:
        """The reports that fit, the latest first; without a form all of them."""
        asked = {name: visit.request.query_params.get(name, "").replace("\0", "").strip() for name in FIELDS}
        try:
            wanted = wanted_of(asked, self.zone)
            after = place(visit.request.query_params.get("after", ""))
        except SettingsError as error:
            return self._page(visit, asked, None, sentence(error), 400)
        with self.database.read() as connection:
            found = report_search.find(connection, wanted, after=after, limit=PAGE)
        filled = {name: value for name, value in asked.items() if value}
        self.viewing.viewed(visit, "reports.view", "list", without_patients(filled))
        return self._page(visit, asked, found)

    def _page(
        self, visit: Visit, asked: Mapping[str, str], found: FoundPage | None, problem: str = "", status: int = 200
    ) -> Response:
        return self.frame.page(
            "report_search.html",
            visit,
            status,
            asked=asked,
            words=in_words(asked),
            found=found,
            problem=problem,
            further=_further(asked, found.further) if found and found.further else None,
            first="after" not in visit.request.query_params,
            findings=(*FINDINGS, NORMAL),
            states=STATES,
        )


def wanted_of(asked: Mapping[str, str], zone: tzinfo | None) -> Wanted:
    """What a form asks for; days are of the site, and `until` is one of them.

    Raises:
        SettingsError: there is no such finding or state, or a day is none.
    """
    finding = finding_named(asked["finding"]) if asked["finding"] else None
    return Wanted(
        accession_number=asked["accession"] or None,
        patient_id=asked["patient"] or None,
        finding=finding,
        assertion=_state(asked["state"], finding),
        since=_day(asked["since"], zone),
        until=_day(asked["until"], zone, days_later=1),
        words=tuple(asked["words"].split()[:MOST_WORDS]),
    )


def in_words(asked: Mapping[str, str]) -> str:
    """What a form asks for, such as "Effusion positive, from 2026-03-14"; a person has typed it."""
    name, state = asked["finding"], "" if asked["finding"] == NORMAL else f" {asked['state'] or Assertion.POSITIVE}"
    said = [f"{finding_in_words(name)}{state}"] if name else []
    return joined([*said, *(f"{words} {asked[field]}" for field, words in _WORDS.items() if asked[field])]) or ALL


def _state(name: str, finding: str | None) -> Assertion:
    if not name or finding == NORMAL:
        return Assertion.POSITIVE
    if name not in STATES:
        raise SettingsError(f"a report can be asked for a finding that is {', '.join(STATES)}")
    return Assertion(name)


def _day(value: str, zone: tzinfo | None, *, days_later: int = 0) -> datetime | None:
    if not value:
        return None
    try:
        day = date.fromisoformat(value) + timedelta(days=days_later)
        return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError("a day is written as 2026-03-14") from None


def place(value: str) -> Place | None:
    """Where a page begins, as `written` says it; None is at the first.

    Raises:
        SettingsError: no page ended there.
    """
    if not value:
        return None
    at, _, id_ = value.partition("~")
    try:
        version_at, report_id = datetime.fromisoformat(at).astimezone(UTC), row_number(id_)
    except (ValueError, OverflowError):
        report_id = None
    if report_id is None:
        raise SettingsError("this is no page of the list; begin with the first")
    return Place(version_at=version_at, report_id=report_id)


def written(at: Place) -> str:
    """Where the next page begins, for an address; it has no character that one would escape."""
    return f"{at.version_at.astimezone(UTC).isoformat().removesuffix('+00:00')}Z~{at.report_id}"


def _further(asked: Mapping[str, str], at: Place) -> str:
    fields = {name: value for name, value in asked.items() if value}
    return "?" + urlencode(fields | {"after": written(at)})
