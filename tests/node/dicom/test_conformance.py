"""What the conformance statement says of associations, held against real ones."""

import re
from collections.abc import Callable, Sequence
from random import Random

import pytest
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from node.dicom import acceptance
from node.dicom.association import Limits
from node.settings import load
from node.statement import reception
from tests.node.dicom.conftest import Receiver
from tests.node.dicom.raw import RawPeer

Proposal = tuple[str, Sequence[str]]
MOST = 100
"""Presentation contexts of one association; the standard allows 128."""


@pytest.fixture
def patient_receiver(start_receiver: Callable[..., Receiver]) -> Receiver:
    """A receiver with a running node's limits."""
    return start_receiver(limits=Limits())


def accepted(receiver: Receiver, proposals: Sequence[Proposal]) -> list[str | None]:
    """The transfer syntax with which each proposal is accepted on an association, or None."""
    answers: list[str | None] = []
    for begin in range(0, len(proposals), MOST):
        with RawPeer(receiver.port) as peer:
            answer = peer.associate(contexts=proposals[begin : begin + MOST])
            results = sorted(answer.presentation_context_definition_results_list, key=lambda each: each.context_id)
        answers += [str(each.transfer_syntax[0]) if each.result == 0 else None for each in results]
    return answers


def stated(name: str) -> list[str]:
    """The UIDs in one of the statement's tables, in its order."""
    return re.findall(r"`([0-9.]+)`", reception.values(load())[name])


def every(kind: str) -> list[str]:
    """All UIDs of a kind that DICOM has (PS3.6 annex A)."""
    return [uid for uid, entry in UID_dictionary.items() if entry[1] == kind]


def test_accepted_sop_classes_are_the_stated_ones(patient_receiver: Receiver):
    """Of all SOP Classes that there are, an association takes those of the statement and no other."""
    there = every("SOP Class")

    answers = accepted(patient_receiver, [(uid, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]) for uid in there])

    assert {uid for uid, syntax in zip(there, answers, strict=True) if syntax} == set(stated("accepted_classes"))


@pytest.mark.parametrize("sop_class", acceptance.STORAGE_CLASSES)
def test_accepted_transfer_syntaxes_are_the_stated_ones(patient_receiver: Receiver, sop_class: str):
    """Of all transfer syntaxes that there are, an image may come in those of the statement and no other."""
    there = every("Transfer Syntax")

    answers = accepted(patient_receiver, [(sop_class, [uid]) for uid in there])

    assert {uid for uid in answers if uid} == set(stated("transfer_syntaxes"))


def test_preferred_transfer_syntax_is_the_first_of_the_statement(patient_receiver: Receiver):
    """Whatever a peer proposes in whatever order, the statement says which of it is taken."""
    order, random = stated("transfer_syntaxes"), Random(1)
    choices = [random.sample(order, random.randint(1, len(order))) for _ in range(MOST)]

    answers = accepted(patient_receiver, [(ComputedRadiographyImageStorage, choice) for choice in choices])

    assert answers == [min(choice, key=order.index) for choice in choices]
