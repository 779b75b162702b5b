"""Results on their way to real archives: Orthanc over C-STORE, TLS and STOW-RS, and what it says of them later."""

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.filereader import read_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian

from db import deliveries, jobs, results
from db.engine import Connection
from db.records import DEFAULT_KINDS, Delivery, DeliveryState, JobKind, JobState, SopReference
from node.clock import utc_now
from node.destinations import outbound
from node.destinations.delivery import Recipient
from node.dicom.commitment import Request
from node.objects import encoding
from node.parts import Node
from node.settings import load
from tests.nodes import StartNode, chest, push
from tests.peers.certificates import Certificates, made_in
from tests.peers.dcmtk import tool
from tests.peers.orthanc import Orthanc
from tests.peers.processes import Peer, free_port, listens, wait_until

COMMITTED = {DeliveryState.COMMITTED}


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


def test_stow_settles_each_instance_by_its_digest(start_node: StartNode, orthanc: Orthanc):
    """What the web archive has is the stored file, byte for byte; one that is stored deflated goes there inflated."""
    node = start_node(destinations=[stow_destination(orthanc)])
    push(node, chest())
    wait_for_states(node, {DeliveryState.SENT})

    with node.database.read() as connection:
        built = results.every(connection)
    for result in built:
        path = node.store.path(result.path)
        plain = read_file_meta_info(path).TransferSyntaxUID == ExplicitVRLittleEndian
        sent = path.read_bytes() if plain else encoding.transcoded(path, ExplicitVRLittleEndian)
        assert orthanc.file(result.sop_instance_uid) == sent
    assert {result.kind for result in built} == DEFAULT_KINDS


def test_instance_that_orthanc_lost_is_sent_again(start_node: StartNode, orthanc: Orthanc):
    """An object that is deleted before the archive is asked is not committed to, so it goes there once more."""
    node = start_node(destinations=[orthanc_destination(orthanc)])
    orthanc.add_modality("node", ae_title="CXRNODE", port=node.scp.port)
    push(node, chest())
    wait_for_states(node, {DeliveryState.SENT})
    wait_for_end(node)
    lost = delivered(node)[1]
    orthanc.delete(f"/instances/{orthanc.orthanc_id(str(lost.sop_instance_uid))}")

    recipient = outbound.build(
        load(None, destinations=[orthanc_destination(orthanc, commitment=True)]), lambda _report: True
    ).recipients["orthanc"]
    assert isinstance(recipient, Recipient)
    transaction_uid = "2.25.4711"
    with node.database.write() as connection:
        deliveries.ask(connection, [each.id for each in delivered_by(connection)], transaction_uid, utc_now())
    references = tuple(
        SopReference(sop_class_uid=str(each.sop_class_uid), sop_instance_uid=str(each.sop_instance_uid))
        for each in delivered(node)
    )
    with recipient.open_line([]) as line:
        assert line.ask(Request(transaction_uid=transaction_uid, references=references)) == 0

    states = [DeliveryState.COMMITTED, DeliveryState.WAITING, DeliveryState.COMMITTED]
    wait_until(lambda: [each.state for each in delivered(node)] == states, timeout_s=20, what="no failure was reported")
    assert delivered(node)[1].error == "it does not have the object"


def test_mutual_tls_with_orthanc(start_node: StartNode, tmp_path: Path, certificates: Certificates):
    """Over TLS each side shows its certificate; results arrive."""
    orthanc = Orthanc(tmp_path / "secure", settings=tls_settings(certificates))
    try:
        tls = {
            "ca": certificates.authority,
            "certificate": certificates.client,
            "key": certificates.client_key,
        }
        node = start_node(destinations=[orthanc_destination(orthanc, tls=tls)])
        push(node, chest())
        wait_for_states(node, {DeliveryState.SENT})
        assert len(orthanc.wait_for_instances(3)) == 3
    finally:
        orthanc.kill()


@pytest.mark.parametrize("tls", ["stranger", "nameless"])
def test_destination_that_is_not_who_it_says(
    tls: str, start_node: StartNode, tmp_path: Path, certificates: Certificates
):
    """An untrusted certificate, and one of ours that is missing, leave the results here, with words for a person."""
    orthanc = Orthanc(tmp_path / "secure", settings=tls_settings(certificates))
    try:
        ca = made_in(tmp_path).authority if tls == "stranger" else certificates.authority
        node = start_node(destinations=[orthanc_destination(orthanc, tls={"ca": ca})])
        push(node, chest())
        wait_until(lambda: trouble(node) is not None, timeout_s=30, what="nobody complains")
        code, words = trouble(node) or ("", "")
        assert code == "not_trusted"
        assert ("is not trusted" if tls == "stranger" else "tls.certificate") in words
        assert {each.state for each in delivered(node)} == {DeliveryState.WAITING}
        assert orthanc.instances() == []
    finally:
        orthanc.kill()


def test_modality_is_told_what_is_safe(start_node: StartNode, orthanc: Orthanc, tmp_path: Path):
    """Orthanc as a modality pushes and asks for commitment; the node answers on an association of its own."""
    peer = {"ae_title": orthanc.ae_title, "addresses": ["127.0.0.0/8"], "host": orthanc.host, "port": orthanc.port}
    node = start_node(**{"dicom.peers": [peer]})
    orthanc.add_modality("node", ae_title="CXRNODE", port=node.scp.port)
    ds = chest()
    ds.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    orthanc.post("/instances", (tmp_path / "image.dcm").read_bytes())
    orthanc.send("node", ds.SOPInstanceUID)

    known, unknown = [[ds.SOPClassUID, ds.SOPInstanceUID]], [[ds.SOPClassUID, "2.25.4712"]]
    first = orthanc.post("/modalities/node/storage-commitment", {"DicomInstances": known})
    second = orthanc.post("/modalities/node/storage-commitment", {"DicomInstances": known + unknown})

    assert report_of(orthanc, first)["Status"] == "Success"
    failure = report_of(orthanc, second)
    assert failure["Status"] == "Failure"
    assert [each["SOPInstanceUID"] for each in failure["Failures"]] == ["2.25.4712"]
    assert [each["SOPInstanceUID"] for each in failure["Success"]] == [ds.SOPInstanceUID]


def report_of(orthanc: Orthanc, asked: dict[str, Any]) -> dict[str, Any]:
    """What Orthanc was told, when it was."""

    def report() -> dict[str, Any]:
        found: dict[str, Any] = orthanc.get(asked["Path"])
        return found

    wait_until(lambda: report()["Status"] != "Pending", timeout_s=20, what="no report came")
    return report()


def delivered_by(connection: Connection) -> list[Delivery]:
    """All deliveries, within a transaction."""
    return [each for result in results.every(connection) for each in deliveries.of_result(connection, result.id)]


def trouble(node: Node) -> tuple[str, str] | None:
    """The error of the delivery job, if it has one."""
    with node.database.read() as connection:
        found = jobs.troubles(connection)
    return (found[0][1], found[0][3]) if found else None


def tls_settings(certificates: Certificates) -> dict[str, Any]:
    """Orthanc that wants to see certificates."""
    return {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(certificates.server),
        "DicomTlsPrivateKey": str(certificates.server_key),
        "DicomTlsTrustedCertificates": str(certificates.authority),
        "DicomTlsRemoteCertificateRequired": True,
    }


@pytest.mark.peer
def test_dcmtk_storescp_takes_the_results(start_node: StartNode, tmp_path: Path):
    """DCMTK keeps each result, whole."""
    folder, port = tmp_path / "storescp", free_port()
    folder.mkdir()
    command = [tool("storescp"), "-aet", "STORESCP", "-od", folder, str(port)]
    storescp = Peer(command, ready=lambda: listens(port), log=tmp_path / "storescp.log")
    storescp.start()
    try:
        storescp_there = {"name": "dcmtk", "ae_title": "STORESCP", "host": "127.0.0.1", "port": port, "timeout_s": 10}
        node = start_node(destinations=[storescp_there])
        push(node, chest())
        wait_for_states(node, {DeliveryState.SENT})
        with node.database.read() as connection:
            uids = {result.sop_instance_uid for result in results.every(connection)}
        assert {str(dcmread(path).SOPInstanceUID) for path in folder.iterdir()} == uids
    finally:
        storescp.kill()
