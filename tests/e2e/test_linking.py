"""A report and its study come over real sockets, in both orders, and find each other."""

import pytest

from db import links
from db.report_records import ReportLink
from db.vocabulary import Examination, Unlinked
from node.parts import Node
from tests.node.hl7.mllp import Client, code, oru
from tests.nodes import StartNode, chest, push
from tests.peers.processes import wait_until


def listed(node: Node) -> list[ReportLink]:
    """The node's reports with what they are linked to."""
    with node.database.read() as connection:
        return links.listed(connection)


@pytest.mark.parametrize("report_first", [True, False])
def test_a_report_and_its_study_find_each_other(start_node: StartNode, database_url: str, report_first: bool):
    """By MLLP first or by C-STORE first, on either database, the report is linked, and to its study alone."""
    node = start_node(**{"database.url": database_url})
    ds, other = chest(PatientID="P1", AccessionNumber="A1"), chest(PatientID="P1", AccessionNumber="A2")
    with Client(node.listener.port) as ris:
        if not report_first:
            push(node, ds, other)
        assert code(ris.ask(oru(accession="A1"))) == "AA"
        if report_first:
            assert [each.unlinked for each in listed(node)] == [Unlinked.NO_STUDY]
            push(node, ds, other)

    wait_until(lambda: not listed(node)[0].unlinked, timeout_s=20, what="the report is not linked")

    (found,) = listed(node)
    assert found.study_instance_uids == (ds.StudyInstanceUID,)
    assert found.examination is Examination.CHEST_RADIOGRAPH


def test_another_patients_study_is_not_linked(start_node: StartNode):
    """Under the same accession number, with another patient id."""
    node = start_node()
    push(node, chest(PatientID="P2", AccessionNumber="A1"))
    with Client(node.listener.port) as ris:
        ris.ask(oru(accession="A1"))

    assert [each.unlinked for each in listed(node)] == [Unlinked.OTHER_PATIENT]


def test_what_was_missed_is_linked_when_the_node_starts(start_node: StartNode):
    """Reports and studies from before are linked by the reconciler's sweep."""
    node = start_node(**{"study.quiet_s": 3600, "work.tick_s": 3600})
    with Client(node.listener.port) as ris:
        ris.ask(oru(accession="A1"))
    push(node, chest(PatientID="P1", AccessionNumber="A1"))
    assert [each.unlinked for each in listed(node)] == [Unlinked.ARRIVING]
    node.stop()

    again = start_node(**{"study.quiet_s": 3600})

    wait_until(lambda: not listed(again)[0].unlinked, timeout_s=20, what="the report is not linked")
