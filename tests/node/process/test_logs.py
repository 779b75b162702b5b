"""The log: events and fields, and nothing that identifies a patient."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from io import StringIO

import pytest

from node.process import logs

CANARY = "CANARY^DOE"


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What goes to standard error, logging configured as in `cxr serve`, at its most talkative."""
    root = logging.getLogger()
    handlers, level, excepthook = root.handlers[:], root.level, threading.excepthook
    packages = {name: logging.getLogger(name).level for name in ("node", "inference", "nlp", "training", "db")}
    stream = StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with warnings.catch_warnings():
        logs.configure("debug")
        yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    threading.excepthook = excepthook
    for name, before in packages.items():
        logging.getLogger(name).setLevel(before)


def fail() -> None:
    """What a library does with a bad value."""
    try:
        _ = {}[CANARY]
    except KeyError as error:
        raise ValueError(f"invalid value {CANARY}") from error


def test_event_has_its_fields_on_one_line(output: StringIO):
    """A log line is a time, a level, an event and its fields, whatever is in them."""
    logging.getLogger("node.test").info("stored", extra={"fields": {"uid": "1.2\n3", "job": 7}})

    (line,) = output.getvalue().splitlines()
    assert line.endswith(r" info node.test: stored uid='1.2\n3' job='7'")


def test_text_of_an_exception_stays_out(output: StringIO):
    """An error is logged by its type and its place in the code, not by what it stumbled on."""
    try:
        fail()
    except ValueError:
        logging.getLogger("node.test").exception("fault")

    assert CANARY not in output.getvalue()
    assert "error='ValueError'" in output.getvalue()
    assert "test_logs.py:" in output.getvalue()


def test_json_line_has_bound_and_own_fields(output: StringIO, monkeypatch: pytest.MonkeyPatch):
    """A line is one object; what was bound to the thread is in it, and no field takes the place of the event."""
    monkeypatch.setattr(sys, "stderr", output)
    logs.configure("debug", "json")

    with logs.bound(association="association:1"):
        logging.getLogger("node.test").info("stored", extra={"fields": {"job": 7, "event": "x"}})

    line = json.loads(output.getvalue())
    assert line.pop("time")
    assert line == {
        "level": "info",
        "logger": "node.test",
        "event": "stored",
        "association": "association:1",
        "job": 7,
        "event_": "x",
    }


def test_words_of_libraries_stay_out(output: StringIO):
    """Libraries that quote element values in logs and warnings are not heard."""
    for name in ("pydicom", "pydicom.config", "pynetdicom", "pynetdicom.acse", "highdicom", "sqlalchemy", "other"):
        logging.getLogger(name).error("invalid value %s", CANARY)
    warnings.warn(f"invalid value {CANARY}", stacklevel=1)

    assert output.getvalue() == ""


def test_thread_that_dies_is_logged_without_the_text(output: StringIO):
    """A thread that ends by an exception leaves its type in the log, and no patient's name."""
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

    assert CANARY not in output.getvalue()
    assert "error='ValueError'" in output.getvalue()
