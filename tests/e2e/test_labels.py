"""From a RIS to labels in one process and its miner: a message over MLLP, and its label rows."""

import pytest

from db import minings
from db.records import JobKind, JobState
from node.parts import Node
from tests.node.hl7.mllp import Client, code, oru
from tests.nodes import StartNode, all_jobs
from tests.peers.processes import wait_until


def send(node: Node, text: str) -> str:
    """Send a report over MLLP; the answer's code."""
    with Client(node.listener.port) as client:
        return code(client.ask(oru(text=text)))


def test_report_over_mllp_has_its_labels(start_node: StartNode, database_url: str):
    """On either database a report that came in is labelled, with the sentence that decided."""
    pytest.importorskip("spacy", reason="the extra `reports` is not installed")
    node = start_node(**{"database.url": database_url})

    assert send(node, "Small left effusion.~No pneumothorax.") == "AA"
    wait_until(lambda: [job.state for job in all_jobs(node)] == [JobState.DONE], timeout_s=60, what="not mined")

    with node.database.read() as connection:
        (reading,) = minings.of_report(connection, 1)
    said = {name: (reading.state(name), reading.mentions[place].sentence) for name, place in reading.labels.items()}
    assert said == {
        "Effusion": ("positive", "Small left effusion."),
        "Pneumothorax": ("negative", "No pneumothorax."),
    }


def test_host_that_only_receives_keeps_its_reports_for_later(start_node: StartNode):
    """With no workers a report is taken and its job waits; who mines later finds it."""
    node = start_node(**{"mining.workers": 0})

    assert send(node, "Small left effusion.") == "AA"

    (job,) = all_jobs(node)
    assert (job.kind, job.state, job.attempts) == (JobKind.MINE, JobState.QUEUED, 0)
