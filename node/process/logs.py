"""Log lines: a constant event and fields, on standard error; nothing that identifies a patient.

The texts of exceptions are left out, since libraries quote in them what they stumbled on; their type and the
lines of code they passed through are what a maintainer needs. structlog renders what the standard library's loggers
are told, and keeps the fields that are bound to a thread or task.
"""

import logging
import threading
import traceback
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor

OWN = ("node", "inference", "nlp", "training", "db")
"""The packages whose events are shown."""

Format = Literal["console", "json"]

bound = structlog.contextvars.bound_contextvars
"""A context whose log lines have these fields, whoever writes them."""


def _facts(_logger: object, _method: str, event: EventDict) -> EventDict:
    """What a line says, in its order: time, level, logger, event, bound fields, own fields, the place of a fault."""
    record: logging.LogRecord = event["_record"]
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields = dict(getattr(record, "fields", {}))
    error = event.get("exc_info")
    if isinstance(error, tuple) and error[1] is not None:
        frames = traceback.extract_tb(error[2])[-6:]
        fields["error"] = type(error[1]).__name__
        fields["at"] = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    line = {"time": at, "level": record.levelname.lower(), "logger": record.name, "event": event["event"]}
    return line | structlog.contextvars.get_contextvars() | {_name(key, line): each for key, each in fields.items()}


def _name(key: str, line: EventDict) -> str:
    """A field's name; one of the line's own is not overwritten."""
    return f"{key}_" if key in line else key


def _console(_logger: object, _method: str, line: EventDict) -> str:
    head = f"{line.pop('time')} {line.pop('level')} {line.pop('logger')}: {line.pop('event')}"
    return head + "".join(f" {key}={str(value)!r}" for key, value in line.items())


def configure(level: str, form: Format = "console") -> None:
    """Send our own events at `level` and above to standard error, and keep libraries' words out of it.

    pydicom and pynetdicom quote element values in their warnings and logs, SQLAlchemy quotes parameters.
    """
    renderer: Processor = structlog.processors.JSONRenderer(default=str) if form == "json" else _console
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_facts, renderer]))
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
