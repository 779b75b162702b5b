"""The metrics of one process, in a registry of its own.

Every label's values are ours: states, statuses, reasons from tables, names from the settings. What a peer calls itself
is never one, so that nobody can fill a registry from outside, and no patient's data can get in.
"""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

STORE_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper bounds of a C-STORE's seconds: 0.5 MB take about 7 ms, 10 MB over a slow line some seconds."""
JOB_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
"""Upper bounds of a job's and its steps' seconds; 900 is where a worker gives up."""
CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What is counted where it happens; `registry` also has what collectors find out when it is scraped."""

    registry: CollectorRegistry
    open_associations: Gauge
    associations: Counter
    rejected: Counter
    stores: Counter
    received_bytes: Counter
    store_seconds: Histogram
    job_seconds: Histogram
    step_seconds: Histogram
    lease_expiries: Counter
    answers: Counter
    mined: Counter
    labels: Counter


def measure() -> Metrics:
    """Metrics of a process, all at nought; those of the process itself (memory, descriptors) among them."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return Metrics(
        registry=registry,
        open_associations=Gauge("cxr_open_associations", "Associations that are open.", registry=registry),
        associations=Counter("cxr_associations", "Associations that were accepted.", registry=registry),
        rejected=Counter(
            "cxr_associations_rejected", "Associations that were turned away, by reason.", ["reason"], registry=registry
        ),
        stores=Counter("cxr_stores", "C-STORE requests that were answered, by status.", ["status"], registry=registry),
        received_bytes=Counter("cxr_received_bytes", "Bytes of data sets that came by C-STORE.", registry=registry),
        store_seconds=Histogram(
            "cxr_store_seconds",
            "Seconds from a C-STORE request to its answer.",
            buckets=STORE_S,
            registry=registry,
        ),
        job_seconds=Histogram(
            "cxr_job_seconds",
            "Seconds of a run of a job, by kind and by how it ended; `fault` is one to be tried again.",
            ["kind", "state"],
            buckets=JOB_S,
            registry=registry,
        ),
        step_seconds=Histogram(
            "cxr_job_step_seconds",
            "Seconds of a step of a reading job: load, infer, build, store.",
            ["step"],
            buckets=JOB_S,
            registry=registry,
        ),
        lease_expiries=Counter(
            "cxr_lease_expiries", "Looks of the reconciler that found a silent worker's job.", registry=registry
        ),
        answers=Counter("cxr_hl7_answers", "Answers to HL7 messages, by MSA-1.", ["code"], registry=registry),
        mined=Counter("cxr_reports_mined", "Report versions that were mined.", registry=registry),
        labels=Counter("cxr_labels_mined", "Labels that mining gave to report versions.", registry=registry),
    )


def exposition(metrics: Metrics) -> bytes:
    """The registry in OpenMetrics' text format."""
    return bytes(generate_latest(metrics.registry))  # type: ignore[no-untyped-call]
