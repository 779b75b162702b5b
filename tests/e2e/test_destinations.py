"""Results on their way to real archives: Orthanc over C-STORE, TLS and STOW-RS, and what it says of them later."""

from typing import Any

from db import deliveries, jobs, results
from db.records import Delivery, DeliveryState, JobKind, JobState
from node.wiring import Node
from tests.nodes import StartNode, chest, push
from tests.peers.orthanc import Orthanc
from tests.peers.processes import wait_until

COMMITTED = {DeliveryState.COMMITTED}
FAST = {"work.tick_s": 0.05}


def orthanc_destination(orthanc: Orthanc, **more: Any) -> dict[str, Any]:
    """Orthanc as a destination for C-STORE."""
    usual = {"name": "orthanc", "ae_title": orthanc.ae_title, "host": orthanc.host, "port": orthanc.port}
    return usual | {"timeout_s": 10} | more


def stow_destination(orthanc: Orthanc, **more: Any) -> dict[str, Any]:
    """Orthanc as a destination for STOW-RS."""
    return {"name": "orthanc", "protocol": "stow", "url": orthanc.dicomweb_url, "timeout_s": 10} | more


def delivered(node: Node) -> list[Delivery]:
    """All deliveries of the node."""
    with node.database.read() as connection:
        return [each for result in results.every(connection) for each in deliveries.of_result(connection, result.id)]


def wait_for_states(node: Node, states: set[DeliveryState], count: int = 3) -> list[Delivery]:
    """Wait until so many deliveries are in these states and no other."""
    wait_until(
        lambda: len(delivered(node)) >= count and {each.state for each in delivered(node)} <= states,
        timeout_s=30,
        what=f"deliveries are not all {states}",
    )
    return delivered(node)


def wait_for_end(node: Node) -> None:
    """Wait until no job is left."""

    def ended() -> bool:
        with node.database.read() as connection:
            return jobs.unfinished_count(connection) == 0

    wait_until(ended, timeout_s=30, what="jobs have not ended")


def test_orthanc_commits_to_what_it_got(start_node: StartNode, orthanc: Orthanc):
    """A result counts as there when the archive says, on an association of its own, that it keeps it."""
    node = start_node(destinations=[orthanc_destination(orthanc, commitment=True)])
    orthanc.add_modality("node", ae_title="CXRNODE", port=node.scp.port)

    push(node, chest())

    found = wait_for_states(node, COMMITTED)
    wait_for_end(node)
    with node.database.read() as connection:
        (delivery,) = [job for job in jobs.newest(connection, 10) if job.kind is JobKind.DELIVER]
    assert (delivery.state, delivery.error_code) == (JobState.DONE, None)
    assert all(each.committed_at is not None and each.error is None for each in found)


def test_stow_brings_the_stored_bytes(start_node: StartNode, orthanc: Orthanc):
    """Over the web the archive gets the same objects, and its response settles each of them."""
    node = start_node(destinations=[stow_destination(orthanc)])
    ds = chest()

    push(node, ds)

    wait_for_states(node, {DeliveryState.SENT})
    assert len(orthanc.instances(ds.StudyInstanceUID)) == 3
