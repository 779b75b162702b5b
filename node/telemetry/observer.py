"""Watches work as it is done: how long, how it ended, and a span of it where traces are wanted."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from db.records import Job
from node import logs
from node.telemetry.metrics import Metrics, measure
from node.worker import Ending, Handler

Span = Callable[[str, Mapping[str, str | int]], AbstractContextManager[object]]
"""Begins a span of a trace with its name and attributes; the context is its duration."""

FAULT = "fault"
"""How a job ended that raised."""


def no_span(_name: str, _attributes: Mapping[str, str | int]) -> AbstractContextManager[object]:
    """Where no traces are wanted."""
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """What is told of associations, stores, jobs and their steps."""

    metrics: Metrics = field(default_factory=measure)
    span: Span = no_span

    @contextmanager
    def association(self, name: str) -> Iterator[None]:
        """A connection to the DICOM port, from its first byte to its last; its log lines have its name."""
        with (
            logs.bound(association=name),
            self.span("association", {}),
            self.metrics.open_associations.track_inprogress(),
        ):
            yield

    def store(self, serve: Callable[[], tuple[int, str]]) -> tuple[int, str]:
        """Serve one C-STORE request. Returns its status and comment."""
        begin = time.monotonic()
        with self.span("store", {}):
            status, comment = serve()
        self.metrics.store_seconds.observe(time.monotonic() - begin)
        self.metrics.stores.labels(f"0x{status:04X}").inc()
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

    def handler(self, handler: Handler) -> Handler:
        """A handler of jobs that is watched."""

        def run(job: Job) -> Ending:
            begin, state = time.monotonic(), FAULT
            attributes = {"kind": job.kind.value, "job": job.id, "attempt": job.attempts}
            try:
                with logs.bound(job=job.id), self.span("job", attributes):
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
            with self.span(name, {}):
                yield
        finally:
            self.metrics.step_seconds.labels(name).observe(time.monotonic() - begin)
