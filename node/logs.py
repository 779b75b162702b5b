"""Log lines: a constant event and fields, on standard error; nothing that identifies a patient.

The texts of exceptions are left out, since libraries quote in them what they stumbled on; their type and the
lines of code they passed through are what a maintainer needs.
"""

import logging
import threading
import traceback
import warnings
from datetime import UTC, datetime
from pathlib import Path

OWN = ("node", "inference", "nlp", "training", "db")
"""The packages whose events are shown."""


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            frames = traceback.extract_tb(record.exc_info[2])[-6:]
            fields["error"] = type(record.exc_info[1]).__name__
            fields["at"] = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        pairs = "".join(f" {key}={str(value)!r}" for key, value in fields.items())
        return f"{at} {record.levelname.lower()} {record.name}: {record.getMessage()}{pairs}"


def configure(level: str) -> None:
    """Send our own events at `level` and above to standard error, and keep libraries' words out of it.

    pydicom and pynetdicom quote element values in their warnings and logs, SQLAlchemy quotes parameters.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter())
    handler.addFilter(lambda record: record.name.partition(".")[0] in OWN)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.CRITICAL)
    for package in OWN:
        logging.getLogger(package).setLevel(level.upper())
    warnings.filterwarnings("ignore")
    threading.excepthook = _thread_ended


def _thread_ended(hook: threading.ExceptHookArgs) -> None:
    """In place of Python's own words, which quote the exception's."""
    if hook.exc_value is not None:
        facts = (hook.exc_type, hook.exc_value, hook.exc_traceback)
        logging.getLogger("node").error("thread ended by a fault", exc_info=facts)
