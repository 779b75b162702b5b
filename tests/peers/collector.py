"""A collector of OpenTelemetry's: takes spans by OTLP over HTTP, and keeps them."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.peers.processes import HOST
from tests.peers.web import WebServer


class Collector:
    """What came, as it came and read."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[tuple[str, Span]]:
        """All spans so far in order of arrival, each with the host that it is of."""
        found = []
        for body in list(self.bodies):
            for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                (host,) = [one.value.string_value for one in each.resource.attributes if one.key == "host.name"]
                found += [(host, span) for scope in each.scope_spans for span in scope.spans]
        return found


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on loopback, on a free port."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # whoever told it was killed meanwhile
            zipped = self.headers.get("Content-Encoding") == "gzip"
            collector.bodies.append(gzip.decompress(body) if zipped else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with WebServer((HOST, 0), Door) as server:
        collector = Collector(f"http://{HOST}:{server.server_address[1]}/v1/traces")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()
