"""Spans of the node's work for OpenTelemetry, where an endpoint is set. The only file that knows OpenTelemetry.

Attributes are kinds and numbers of jobs, nothing that a peer sent. What was raised is left out: its text may quote a
patient's data.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from node.implementation import SOFTWARE_VERSION


class Traces:
    """Sends spans; a service that is started and stopped with the node."""

    def __init__(self, processor: SpanProcessor) -> None:
        resource = Resource({SERVICE_NAME: "cxr-node", "service.version": SOFTWARE_VERSION})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("cxr-node")

    def span(self, name: str, attributes: Mapping[str, str | int]) -> AbstractContextManager[object]:
        """A span, within the one that is open in this thread."""
        return self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        )

    def start(self) -> None:
        """Nothing: the exporter's thread runs since it was made."""

    def stop(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def to(endpoint: str) -> Traces:
    """Traces to an OTLP endpoint over HTTP, such as http://127.0.0.1:4318/v1/traces."""
    return Traces(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
