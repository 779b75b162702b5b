"""Results on their way to real archives, Orthanc and DCMTK, over C-STORE, TLS and STOW-RS, and what these say later."""

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from db import backlog, deliveries, jobs, results
from db.engine import Connection
from db.records import JobKind, JobState
from db.result_records import DEFAULT_KINDS, READ_KINDS, Delivery, DeliveryState, SopReference
from node.destinations import outbound
from node.destinations.delivery import Recipient
from node.dicom.commitment import Request
from node.objects import encoding
from node.parts import Node
from node.process.clock import utc_now
from node.settings import load
from tests.nodes import StartNode, chest, data_set, push
from tests.peers.certificates import Certificates, made_in
from tests.peers.dcmtk import run, tool
from tests.peers.orthanc import Orthanc
from tests.peers.pacs import StorageScp
from tests.peers.processes import free_port, wait_until
from tests.peers.storescp import AE_TITLE, StartStorescp, secure

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
            return backlog.unfinished_count(connection) == 0

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
        found = backlog.troubles(connection)
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


def test_dcmtk_storescp_takes_the_results(start_node: StartNode, start_storescp: StartStorescp):
    """DCMTK keeps each result, whole."""
    storescp = start_storescp()
    node = start_node(destinations=[storescp.destination()])

    push(node, chest())

    wait_for_states(node, {DeliveryState.SENT})
    assert set(storescp.objects) == {str(each.sop_instance_uid) for each in delivered(node)}


@pytest.mark.parametrize("mutual", [False, True])
def test_dcmtk_storescp_over_tls(
    mutual: bool, start_node: StartNode, start_storescp: StartStorescp, certificates: Certificates
):
    """DCMTK takes them encrypted, whether it wants to see our certificate or not."""
    storescp = start_storescp(*secure(certificates), "-rc" if mutual else "-ic")
    own = {"certificate": certificates.client, "key": certificates.client_key} if mutual else {}
    node = start_node(destinations=[storescp.destination(tls={"ca": certificates.authority} | own)])

    push(node, chest())

    wait_for_states(node, {DeliveryState.SENT})
    assert set(storescp.objects) == {str(each.sop_instance_uid) for each in delivered(node)}


def test_trusted_certificate_of_another_host(
    start_node: StartNode, start_storescp: StartStorescp, certificates: Certificates
):
    """A certificate of an authority that we trust, but for another name, gets nothing; a person is told which name."""
    storescp = start_storescp(*secure(certificates), "-ic")
    node = start_node(destinations=[storescp.destination(host="localhost", tls={"ca": certificates.authority})])

    push(node, chest())

    wait_until(lambda: trouble(node) is not None, timeout_s=30, what="nobody complains")
    assert trouble(node) == (
        "not_trusted",
        "dcmtk is not trusted, its certificate does not stand up (Hostname mismatch, certificate is not valid for "
        "'localhost'): correct tls.ca or tls.server_name, or the certificate there.",
    )
    assert {each.state for each in delivered(node)} == {DeliveryState.WAITING}
    assert storescp.paths == []


def test_finished_study_moves_on_whole(start_node: StartNode, orthanc: Orthanc, start_storescp: StartStorescp):
    """A workstation that fetches the study from the PACS by C-MOVE gets the image and every result, bit by bit."""
    node = start_node(destinations=[orthanc_destination(orthanc, profile="full")])
    ds, file = chest(), BytesIO()
    ds.save_as(file, enforce_file_format=True)
    orthanc.post("/instances", file.getvalue())
    push(node, ds)
    wait_for_states(node, {DeliveryState.SENT}, len(READ_KINDS))
    storescp = start_storescp("+xa")
    orthanc.add_modality("workstation", ae_title=AE_TITLE, port=storescp.port)
    orthanc.add_modality("mover", ae_title="MOVESCU", port=free_port())

    keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={ds.StudyInstanceUID}"]
    who = ["-aec", orthanc.ae_title, "-aem", AE_TITLE]
    moved = run([tool("movescu"), "-v", "-S", *who, *keys, orthanc.host, str(orthanc.port)])

    assert moved.returncode == 0, moved.stdout
    there = storescp.objects
    with node.database.read() as connection:
        built = {each.sop_instance_uid: each for each in results.every(connection)}
    assert set(there) == {ds.SOPInstanceUID, *built}
    for sop_instance_uid, result in built.items():
        assert elements(there[sop_instance_uid]) == elements(node.store.path(result.path)), result.kind


def elements(file: Path) -> bytes:
    """The data set of a file, inflated if it is deflated: Orthanc deflates again what it passes on."""
    data = data_set(file.read_bytes())
    deflated = read_file_meta_info(file).TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data) if deflated else data


def test_results_go_back_to_each_who_sent_an_image(start_node: StartNode, pacs: StorageScp):
    """Two modalities share a study: each gets the results, and one that is down does not keep them from the other."""
    other, open_to_all = StorageScp(), {"addresses": ["127.0.0.0/8"]}
    peers = [
        open_to_all | {"ae_title": title, "host": scp.host, "port": scp.port}
        for title, scp in (("CR1", pacs), ("CR2", other))
    ]
    back = {"name": "back", "return_to_sender": True, "timeout_s": 5}
    node = start_node(destinations=[back], **{"dicom.peers": peers})
    first = chest()
    try:
        other.stop()
        push(node, first, calling_ae="CR1")
        assert pacs.wait_for(3)
        push(node, chest(StudyInstanceUID=first.StudyInstanceUID), calling_ae="CR2")
        assert pacs.wait_for(8)
        assert other.order == []
        other.start()
        assert other.wait_for(5)
        wait_for_end(node)
        assert set(other.received) == {str(each.SOPInstanceUID) for each in pacs.datasets()[3:]}
        assert all(pacs.received[uid] == file for uid, file in other.received.items())
    finally:
        other.stop()
