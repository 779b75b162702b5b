"""What the node agrees to: never a loss that it could avoid, never a bomb."""

from ipaddress import ip_network
from itertools import permutations

import pytest
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.presentation import build_context

from node.dicom.acceptance import STORAGE_CLASSES, TRANSFER_SYNTAXES, Peer, negotiate

LOSSY = (JPEGBaseline8Bit, JPEGLSNearLossless, JPEG2000, HTJ2K)
NOT_LOSSY = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    RLELossless,
)


def agreed(*syntaxes: UID, sop_class: UID = ComputedRadiographyImageStorage) -> tuple[int | None, str]:
    """Result and transfer syntax of a presentation context that proposes these."""
    context = build_context(sop_class, list(syntaxes))
    context.context_id = 1
    request = A_ASSOCIATE()
    request.presentation_context_definition_list = [context]
    (answer,) = negotiate(request).contexts
    return answer.result, str(answer.transfer_syntax[0])


@pytest.mark.parametrize("lossy", LOSSY)
@pytest.mark.parametrize("other", NOT_LOSSY)
def test_peer_that_offers_a_choice_is_never_asked_for_loss(lossy: UID, other: UID):
    """A modality that can send an image whole is not asked to spoil it, whatever it names first."""
    assert [agreed(*order) for order in permutations((lossy, other))] == [(0, other)] * 2


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES)
def test_single_syntax_is_taken_as_it_is(syntax: UID):
    """A modality that has one transfer syntax can send it."""
    assert agreed(syntax) == (0, syntax)


@pytest.mark.parametrize("sop_class", STORAGE_CLASSES)
def test_every_class_of_a_chest_radiograph_is_taken(sop_class: UID):
    """CR, DX and Secondary Capture are accepted."""
    assert agreed(ExplicitVRLittleEndian, sop_class=sop_class) == (0, ExplicitVRLittleEndian)


def test_deflated_is_not_taken():
    """A transfer syntax in which 260 kB become 256 MB is not agreed to, unless there is another to agree to."""
    assert agreed(DeflatedExplicitVRLittleEndian)[0] == 4
    assert agreed(DeflatedExplicitVRLittleEndian, RLELossless) == (0, RLELossless)


def test_other_modality_is_not_taken():
    """A CT image is not what the node is for."""
    assert agreed(ExplicitVRLittleEndian, sop_class=CTImageStorage)[0] == 3


@pytest.mark.parametrize(
    ("calling", "address", "admitted"),
    [
        ("CT1", "10.1.2.3", True),
        ("CT1", "10.1.3.3", False),
        ("CT2", "10.1.2.3", False),
        ("ct1", "10.1.2.3", False),
        ("CT1", "::ffff:10.1.2.3", True),
        ("CT1", "fe80::1", False),
    ],
)
def test_peer_is_its_title_and_its_network(calling: str, address: str, admitted: bool):
    """Who calls is let in by title and address together, by IPv4 also through an IPv6 socket."""
    peer = Peer(ae_title="CT1", networks=(ip_network("10.1.2.0/24"),))

    assert peer.admits(calling, address) == admitted
