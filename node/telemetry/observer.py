"""Watches work as it is done: how long, how it ended, and a span of it where traces are wanted."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from db.records import Job, Study
from node.process import logs
from node.telemetry.metrics import Metrics, measure
from node.worker import Ending, Handler

FAULT = "fault"
"""How a job ended that raised."""


class Spans(Protocol):
    """Is told of spans of time, each in the trace of a study, or in one of its own."""

    def within(self, name: str) -> AbstractContextManager[object]:
        """A span as long as the context, within the one that is open in this thread."""

    def of_job(self, job: Job) -> AbstractContextManager[object]:
        """The run of a job."""

    def since(self, begin_ns: int, name: str, study_instance_uid: str | None) -> None:
        """What began then, in nanoseconds since 1970, and ends now."""


class NoSpans:
    """Where no traces are wanted."""

    def within(self, name: str) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def of_job(self, job: Job) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def since(self, begin_ns: int, name: str, study_instance_uid: str | None) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """What is told of associations, stores, studies, jobs and their steps."""

    metrics: Metrics = field(default_factory=measure)
    spans: Spans = field(default_factory=NoSpans)

    @contextmanager
    def association(self, name: str) -> Iterator[None]:
        """A connection to the DICOM port, from its first byte to its last; its log lines have its name."""
        with (
            logs.bound(association=name),
            self.spans.within("association"),
            self.metrics.open_associations.track_inprogress(),
        ):
            yield

    def store(self, serve: Callable[[], tuple[int, str, str | None]]) -> tuple[int, str]:
        """Serve one C-STORE request, which says of which study an image is that it took. Returns status and comment."""
        begin, begin_ns = time.monotonic(), time.time_ns()
        status, comment, study_instance_uid = serve()
        self.metrics.store_seconds.observe(time.monotonic() - begin)
        self.metrics.stores.labels(f"0x{status:04X}").inc()
        self.spans.since(begin_ns, "receive", study_instance_uid)
        return status, comment

    def received(self, fragments: Iterable[memoryview]) -> Iterator[memoryview]:
        """Fragments of a data set, counted as they pass."""
        size = 0
        try:
            for fragment in fragments:
                size += len(fragment)
                yield fragment
        finally:
            self.metrics.received_bytes.inc(size)

    def settled(self, study: Study) -> None:
        """A study, whose quiet period ended at its `settle_at`, has its job."""
        if study.settle_at is not None:
            self.spans.since(int(study.settle_at.timestamp() * 1e9), "settle", study.study_instance_uid)

    def handler(self, handler: Handler) -> Handler:
        """A handler of jobs that is watched."""

        def run(job: Job) -> Ending:
            begin, state = time.monotonic(), FAULT
            try:
                with logs.bound(job=job.id), self.spans.of_job(job):
                    ending = handler(job)
                state = ending.state.value
                return ending
            finally:
                self.metrics.job_seconds.labels(job.kind.value, state).observe(time.monotonic() - begin)

        return run

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step of a reading job."""
        begin = time.monotonic()
        try:
            with self.spans.within(name):
                yield
        finally:
            self.metrics.step_seconds.labels(name).observe(time.monotonic() - begin)
