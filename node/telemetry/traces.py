"""Spans of the node's work for OpenTelemetry, where an endpoint is set. The only file that knows OpenTelemetry.

A trace is a study's: its number is a digest of the Study Instance UID, so that receivers, reconciler and workers, in
whatever process or host, find the same one and tell each other nothing. Attributes are numbers of jobs, nothing that a
peer sent. What was raised is left out: its text may quote a patient's data.
"""

import hashlib
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, Span, get_current_span, use_span

from db.records import Job
from node.process.implementation import SOFTWARE_VERSION

StudyOf = Callable[[Job], str | None]
"""The Study Instance UID of the study that a job is about, if it is about one and the database answers."""


class Traces:
    """Sends spans; a service that is started and stopped with the node (see `observer.Spans`)."""

    def __init__(self, processor: SpanProcessor, study_of: StudyOf) -> None:
        resource = Resource(
            {SERVICE_NAME: "cxr-node", "service.version": SOFTWARE_VERSION, "host.name": socket.gethostname()}
        )
        self._ids = _Ids()
        self._study_of = study_of
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=self._ids)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("cxr-node")

    def within(self, name: str) -> AbstractContextManager[object]:
        """A span as long as the context, within the one that is open in this thread."""
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)

    @contextmanager
    def of_job(self, job: Job) -> Iterator[None]:
        """The run of a job, named for its kind."""
        attributes = {"job": job.id, "attempt": job.attempts}
        span = self._begun(job.kind.value, self._study_of(job), attributes=attributes)
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield

    def since(self, begin_ns: int, name: str, study_instance_uid: str | None) -> None:
        """What began then, in nanoseconds since 1970, and ends now."""
        self._begun(name, study_instance_uid, begin_ns=begin_ns).end()

    def start(self) -> None:
        """Nothing: the exporter's thread runs since it was made."""

    def stop(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _begun(
        self,
        name: str,
        study_instance_uid: str | None,
        *,
        attributes: Mapping[str, int] | None = None,
        begin_ns: int | None = None,
    ) -> Span:
        """A span of the study's trace, with a link to the one that is open in this thread; else within that one."""
        if study_instance_uid is None:
            return self._tracer.start_span(name, attributes=attributes, start_time=begin_ns)
        around = get_current_span().get_span_context()
        links = [Link(around)] if around.is_valid else []
        with self._ids.of(study_instance_uid):
            return self._tracer.start_span(
                name, context=Context(), attributes=attributes, start_time=begin_ns, links=links
            )


class _Ids(RandomIdGenerator):
    """Numbers of traces and spans; a trace that begins while a study is named has the study's."""

    def __init__(self) -> None:
        self._trace: ContextVar[int | None] = ContextVar("trace", default=None)

    @contextmanager
    def of(self, study_instance_uid: str) -> Iterator[None]:
        token = self._trace.set(trace_of(study_instance_uid))
        try:
            yield
        finally:
            self._trace.reset(token)

    def generate_trace_id(self) -> int:
        return self._trace.get() or super().generate_trace_id()


def trace_of(study_instance_uid: str) -> int:
    """The number of a study's trace, 128 bits."""
    return int.from_bytes(hashlib.sha256(study_instance_uid.encode()).digest()[:16], "big")


def to(endpoint: str, study_of: StudyOf) -> Traces:
    """Traces to an OTLP endpoint over HTTP, such as http://127.0.0.1:4318/v1/traces."""
    return Traces(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)), study_of)
