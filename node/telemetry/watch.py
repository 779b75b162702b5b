"""What a machine that watches may ask of a process, whichever port it asks at: `/healthz`, `/readyz`, `/metrics`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from node.telemetry import readiness
from node.telemetry.metrics import CONTENT_TYPE, Metrics, exposition
from node.telemetry.readiness import Check

HEALTHZ = "/healthz"
PATHS = (HEALTHZ, "/readyz", "/metrics")
"""What names destinations, models or counts is for this machine, or for the port of [metrics]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP response."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Answers for one process."""

    metrics: Metrics
    checks: Mapping[str, Check]

    def answer(self, path: str) -> Answer:
        """What is said at a path.

        That the process lives needs nothing else: who restarts it for its database makes two outages of one.
        """
        if path == HEALTHZ:
            return _json(200, {"ok": True})
        if path == "/readyz":
            found = readiness.ask(self.checks)
            ok = set(found.values()) <= {"ok"}
            return _json(200 if ok else 503, {"ok": ok, "checks": found})
        if path == "/metrics":
            return Answer(status=200, content_type=CONTENT_TYPE, body=exposition(self.metrics))
        return _json(404, {"paths": PATHS})


def _json(status: int, content: object) -> Answer:
    return Answer(status=status, content_type="application/json", body=json.dumps(content).encode())
