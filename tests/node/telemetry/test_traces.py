"""Traces: a study with all that is done for it, and no word of what went wrong."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydicom.uid import generate_uid

from db.records import Job, JobState
from node.telemetry.observer import Observer
from node.telemetry.traces import Traces, trace_of
from node.worker import Ending
from tests.node.telemetry.test_watch import a_job
from tests.nodes import StartNode, chest, push
from tests.peers.collector import Collector, collecting
from tests.peers.pacs import StorageScp
from tests.peers.processes import wait_until

STUDY = "1.2.3.4"


class Watched:
    """A process that is watched, and the spans that it has sent."""

    def __init__(self, study: str | None = STUDY) -> None:
        self._sent = InMemorySpanExporter()
        self.observer = Observer(spans=Traces(SimpleSpanProcessor(self._sent), lambda _job: study))

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """By their names."""
        return {span.name: span for span in self._sent.get_finished_spans()}


def work(observer: Observer) -> None:
    """A job of one step."""

    def load(_job: Job) -> Ending:
        with observer.step("load"):
            return Ending(state=JobState.DONE)

    observer.handler(load)(a_job())


def test_job_is_a_span_with_its_steps_in_it():
    """The steps are the job's children; its attributes are numbers."""
    process = Watched()

    work(process.observer)

    load, job = process.spans["load"], process.spans["read"]
    assert load.parent is not None
    assert load.parent.span_id == job.context.span_id
    assert dict(job.attributes or {}) == {"job": 7, "attempt": 1}


def test_processes_that_tell_each_other_nothing_share_a_studys_trace():
    """A receiver and a worker: what each did for a study is found together, and nobody else's with it."""
    receiver, worker, other = Watched(), Watched(), Watched(study="1.2.3.5")

    with receiver.observer.association("association:1"):
        receiver.observer.store(lambda: (0, "", STUDY))
    for process in (worker, other):
        work(process.observer)

    receive, association = receiver.spans["receive"], receiver.spans["association"]
    assert receive.context.trace_id == worker.spans["load"].context.trace_id == trace_of(STUDY)
    assert receive.parent is None
    assert [link.context.span_id for link in receive.links] == [association.context.span_id]
    assert other.spans["read"].context.trace_id != trace_of(STUDY)


def test_what_was_not_taken_is_a_span_of_its_association():
    """A refused image is of no study that is known here."""
    process = Watched()

    with process.observer.association("association:1"):
        process.observer.store(lambda: (0xA700, "Out of resources", None))

    receive, association = process.spans["receive"], process.spans["association"]
    assert receive.parent is not None
    assert receive.parent.span_id == association.context.span_id


def test_text_of_a_fault_is_in_no_span():
    """A library's words on what it stumbled on do not leave the node."""
    process = Watched()

    def fail(_job: Job) -> Ending:
        with process.observer.step("load"):
            raise ValueError("CANARY^DOE")

    with pytest.raises(ValueError, match="CANARY"), process.observer.association("association:1"):
        process.observer.handler(fail)(a_job())

    assert set(process.spans) == {"load", "read", "association"}
    assert not [span for span in process.spans.values() if "CANARY" in span.to_json()]


EVERY_STEP = {"receive", "settle", "read", "load", "infer", "build", "store", "deliver"}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that is sent spans at once, and outlives the node."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")  # milliseconds
    with collecting() as running:
        yield running


def test_collector_gets_a_study_as_one_trace_without_its_patient(
    collector: Collector, pacs: StorageScp, start_node: StartNode
):
    """From its image to the PACS, over the wire: each step is there, and no word of who it is."""
    canaries = {"PatientName": "CANARY^DOE", "PatientID": "CANARY1", "AccessionNumber": "CANARY2"}
    ds = chest(StudyInstanceUID=generate_uid(), **canaries)
    trace = trace_of(ds.StudyInstanceUID).to_bytes(16, "big")

    node = start_node(pacs=pacs, **{"traces.endpoint": collector.endpoint})
    push(node, ds, calling_ae="CANARY3")
    wait_until(
        lambda: {span.name for _, span in collector.spans if span.trace_id == trace} == EVERY_STEP,
        timeout_s=30,
        what="not every step has come",
    )

    sent = b"".join(collector.bodies)
    assert [word for word in ("CANARY", ds.StudyInstanceUID, ds.SOPInstanceUID) if word.encode() in sent] == []
