"""Which studies a person asks for, on the page and on the command line: words become what the database is asked."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta, tzinfo

from db.progress import Progress
from db.vocabulary import FINDINGS
from db.worklist import Wanted
from node.errors import SettingsError
from node.process.clock import midnight

LONGEST = 64
"""Characters of a value."""
OF_PATIENTS = ("accession", "patient", "words")
"""Values that the audit log does not get; words of a report may name a patient as well."""


def read_as(asked: Mapping[str, str], zone: tzinfo | None) -> Wanted:
    """What a person asked for by `state`, `finding`, `from`, `to`, `ae`, `accession` and `patient`, each if given.

    Args:
        zone: in which days begin; None is this machine's. Of the day `to` all is meant.

    Raises:
        SettingsError: there is no such state, finding or day, or a value is nothing that could be found.
    """
    for name, value in asked.items():
        if len(value) > LONGEST or not value.isprintable():
            raise SettingsError(f"{name} takes {LONGEST} printable characters at the most")
    state = _one_of(asked, "state", tuple(Progress))
    return Wanted(
        progress=None if state is None else Progress(state),
        finding=_one_of(asked, "finding", FINDINGS),
        received_from=_begin(asked, "from", zone),
        received_before=_begin(asked, "to", zone, after=timedelta(days=1)),
        calling_ae=asked.get("ae"),
        accession_number=asked.get("accession"),
        patient=asked.get("patient"),
    )


def without_patients(asked: Mapping[str, str]) -> dict[str, str]:
    """What was asked for, as the audit log has it: that somebody looked for a patient, not for whom."""
    return {name: "(given)" if name in OF_PATIENTS else value for name, value in asked.items()}


def _one_of(asked: Mapping[str, str], name: str, known: Collection[str]) -> str | None:
    value = asked.get(name)
    if value is not None and value not in known:
        raise SettingsError(f"there is no such {name}; there are {', '.join(known)}")
    return value


def _begin(asked: Mapping[str, str], name: str, zone: tzinfo | None, after: timedelta = timedelta()) -> datetime | None:
    if name not in asked:
        return None
    try:
        return midnight(date.fromisoformat(asked[name]) + after, zone).astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise SettingsError(f"{name} is a day like 2026-03-14") from error
