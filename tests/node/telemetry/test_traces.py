"""Traces: a job with its steps, and no word of what went wrong."""

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from db.records import Job, JobState
from node.telemetry.observer import Observer
from node.telemetry.traces import Traces
from node.worker import Ending
from tests.node.telemetry.test_watch import a_job


def test_job_is_a_span_with_its_steps_in_it():
    """The steps are the job's children; attributes are its kind and numbers."""
    exporter = InMemorySpanExporter()
    traces = Traces(SimpleSpanProcessor(exporter))
    observer = Observer(span=traces.span)

    def work(_job: Job) -> Ending:
        with observer.step("load"):
            pass
        return Ending(state=JobState.DONE)

    observer.handler(work)(a_job())
    traces.stop()

    load, job = exporter.get_finished_spans()
    assert (load.name, job.name) == ("load", "job")
    assert load.parent is not None
    assert load.parent.span_id == job.context.span_id
    assert dict(job.attributes or {}) == {"kind": "read", "job": 7, "attempt": 1}


def test_text_of_a_fault_is_in_no_span():
    """A library's words on what it stumbled on do not leave the node."""
    exporter = InMemorySpanExporter()
    observer = Observer(span=Traces(SimpleSpanProcessor(exporter)).span)

    def fail() -> tuple[int, str]:
        raise ValueError("CANARY^DOE")

    with pytest.raises(ValueError, match="CANARY"), observer.association("association:1"):
        observer.store(fail)

    assert [span.name for span in exporter.get_finished_spans()] == ["store", "association"]
    assert not [span for span in exporter.get_finished_spans() if "CANARY" in span.to_json()]
