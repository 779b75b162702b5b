"""A reader as the command makes it, and what it finds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.report_records import MessageArrival, ReportArrival
from node.history.entry import Entry
from node.history.reader import Reader

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def reader(**options: Any) -> Reader:
    """A reader with default settings."""
    return Reader(
        **{
            "accession_from": ("OBR-3", "ORC-3", "OBR-18"),
            "facility": "",
            "encoding": None,
            "max_bytes": 16 * 1024 * 1024,
            "now": lambda: NOW,
            "on_bytes": lambda _number: None,
            **options,
        }
    )


def entries(*paths: Path, **options: Any) -> list[Entry]:
    """Everything there."""
    return list(reader(**options).read(paths))


def arrivals(*paths: Path, **options: Any) -> list[MessageArrival]:
    """Everything there, which has to be reports."""
    found = entries(*paths, **options)
    assert [entry.refusal for entry in found] == [None] * len(found)
    return [entry.arrival for entry in found if entry.arrival]


def only(*paths: Path, **options: Any) -> ReportArrival:
    """The one report there."""
    (arrival,) = arrivals(*paths, **options)
    (report,) = arrival.reports
    return report


def refusals(*paths: Path, **options: Any) -> list[str]:
    """The reasons for what is no report."""
    return [entry.refusal for entry in entries(*paths, **options) if entry.refusal]
